import TensorCore

/// A matrix whose elements are not its values: see `Quantization`.
// @unchecked because as a HostStorage it is; `sums` is filled by the backend's owner, who carries out one operation at
// a time.
final class QuantizedStorage: HostStorage, @unchecked Sendable {
    /// What stands beside the elements.
    enum Scales {
        /// [N] float32, a scale a row.
        case rows(Tensor)
        /// [N, groups] bfloat16, of int4.
        case groups(Tensor)
    }

    let scales: Scales
    let rotation: HadamardRotation?
    /// Elements of a row.
    let columns: Int
    /// By row of int8, where products of 8 bits need it: the sum of its integers as int32, once they are filled in.
    var sums: Tensor?
    var hasSums = false

    /// Takes over a block of `allocator`.
    init(
        base: UnsafeMutableRawPointer, byteCount: Int, allocator: HostAllocator, columns: Int,
        scales: Scales,
        rotation: HadamardRotation?
    ) {
        self.columns = columns
        self.scales = scales
        self.rotation = rotation
        super.init(base: base, byteCount: byteCount, allocator: allocator)
    }

    /// Shares the elements with a checkpoint. Throws `outOfMemory` as any other storage that does.
    init(
        sharing base: UnsafeRawPointer, byteCount: Int, of memory: any HostMemory, allocator: HostAllocator,
        columns: Int, scales: Scales, rotation: HadamardRotation?
    ) throws(TensorError) {
        self.columns = columns
        self.scales = scales
        self.rotation = rotation
        try super.init(sharing: base, byteCount: byteCount, of: memory, allocator: allocator)
    }
}
