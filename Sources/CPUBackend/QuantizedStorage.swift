import TensorCore

/// A matrix of 8-bit integers; row n stands for `scales[n] * row`.
// @unchecked because as a HostStorage it is; it is written once, before anyone else sees it.
final class QuantizedStorage: HostStorage, @unchecked Sendable {
    /// By row.
    let scales: Tensor
    /// By row, the sum of its integers, as int32: what an offset of the other operand adds to a product.
    let sums: Tensor
    /// Elements of a row.
    let columns: Int

    init(
        base: UnsafeMutableRawPointer, byteCount: Int, allocator: HostAllocator, columns: Int, scales: Tensor,
        sums: Tensor
    ) {
        self.columns = columns
        self.scales = scales
        self.sums = sums
        super.init(base: base, byteCount: byteCount, allocator: allocator)
    }
}
