import COneDNN
import Synchronization

/// A matrix product of one shape, prepared by oneDNN, that several threads may carry out at once.
// @unchecked because the handle is set once, and oneDNN's primitives may be executed concurrently when scratch memory
// is the caller's.
final class MatrixProduct: @unchecked Sendable {
    /// The operands' types.
    enum Kind: Hashable {
        /// bfloat16 times bfloat16 to float32.
        case bfloat16
        /// Unsigned times signed 8 bits to int32.
        case int8
    }

    /// What a prepared product depends on; strides in elements.
    struct Key: Hashable {
        let kind: Kind
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

    /// A product with the transposed weight; nil if oneDNN cannot compute it on this CPU.
    init?(_ key: Key) {
        let types =
            switch key.kind {
            case .bfloat16: (MICA_DNNL_BF16, MICA_DNNL_BF16, MICA_DNNL_F32)
            case .int8: (MICA_DNNL_U8, MICA_DNNL_S8, MICA_DNNL_S32)
            }
        guard
            let handle = mica_dnnl_product_create(
                Int64(key.rows), Int64(key.columns), Int64(key.depth), Int64(key.inputStride), Int64(key.weightStride),
                Int64(key.outputStride), Int32(types.0), Int32(types.1), Int32(types.2))
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
    private func product(_ key: MatrixProduct.Key) -> MatrixProduct? {
        products.withLock { products in
            if let known = products[key] { return known }
            guard let product = MatrixProduct(key) else { return nil }
            if products.count >= Self.capacity { products.removeAll() }
            products[key] = product
            return product
        }
    }

    /// The products of all pieces of a split; nil if oneDNN lacks one.
    func products(_ kind: MatrixProduct.Kind, _ split: ProductSplit, depth: Int) -> SplitProducts? {
        var products: [Int: MatrixProduct] = [:]
        for count in Set(split.parts.map(\.count)) {
            let key = MatrixProduct.Key(
                kind: kind, rows: split.splitsRows ? count : split.rows,
                columns: split.splitsRows ? split.columns : count, depth: depth, inputStride: depth,
                weightStride: depth, outputStride: split.columns)
            guard let product = product(key) else { return nil }
            products[count] = product
        }
        return SplitProducts(products: products)
    }
}

/// The prepared products of a split, by the extent of a piece.
struct SplitProducts {
    fileprivate let products: [Int: MatrixProduct]

    /// Scratch memory that each piece needs; never nothing, so that a piece has an address of its own.
    var scratchBytes: Int { max(products.values.map(\.scratchBytes).max() ?? 0, 64) }

    /// Computes a piece of this extent on the calling thread.
    func execute(
        part: Int, input: UnsafeRawPointer, weight: UnsafeRawPointer, output: UnsafeMutableRawPointer,
        scratch: UnsafeMutableRawPointer
    ) {
        let done = products[part]?.execute(input: input, weight: weight, output: output, scratch: scratch)
        precondition(done == true, "oneDNN failed in a product that it had prepared")
    }
}
