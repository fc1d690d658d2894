import COneDNN
import Synchronization

/// A matrix product of one shape, prepared by oneDNN, that several threads may carry out at once.
// @unchecked because the handle is set once, and oneDNN's primitives may be executed concurrently when scratch memory
// is the caller's.
final class MatrixProduct: @unchecked Sendable {
    /// What a prepared product depends on; strides in elements.
    struct Key: Hashable {
        let rows: Int
        let columns: Int
        let depth: Int
        let inputStride: Int
        let weightStride: Int
        let outputStride: Int
    }

    private let handle: OpaquePointer
    /// Scratch memory that each concurrent call needs.
    let scratchBytes: Int

    /// bfloat16 times transposed bfloat16 to float32; nil if oneDNN cannot compute it on this CPU.
    init?(bfloat16 key: Key) {
        guard
            let handle = mica_dnnl_product_create(
                Int64(key.rows), Int64(key.columns), Int64(key.depth), Int64(key.inputStride), Int64(key.weightStride),
                Int64(key.outputStride), Int32(MICA_DNNL_BF16), Int32(MICA_DNNL_BF16), Int32(MICA_DNNL_F32))
        else { return nil }
        self.handle = handle
        scratchBytes = mica_dnnl_product_scratch(handle)
    }

    deinit {
        mica_dnnl_product_destroy(handle)
    }

    /// Computes on the calling thread. False if oneDNN reports a failure.
    func execute(
        input: UnsafeRawPointer, weight: UnsafeRawPointer, output: UnsafeMutableRawPointer,
        scratch: UnsafeMutableRawPointer
    ) -> Bool {
        mica_dnnl_product_execute(handle, input, weight, output, scratch) == 0
    }
}

/// Prepared products by shape; preparing one takes longer than a small product.
final class MatrixProductCache: Sendable {
    /// A job has a few dozen shapes; beyond this many all are dropped and prepared anew.
    private static let capacity = 256

    private let products = Mutex<[MatrixProduct.Key: MatrixProduct]>([:])

    /// The prepared product, or nil if oneDNN has none.
    func bfloat16(_ key: MatrixProduct.Key) -> MatrixProduct? {
        products.withLock { products in
            if let known = products[key] { return known }
            guard let product = MatrixProduct(bfloat16: key) else { return nil }
            if products.count >= Self.capacity { products.removeAll() }
            products[key] = product
            return product
        }
    }
}
