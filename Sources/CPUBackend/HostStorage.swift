import TensorCore

/// Memory of a tensor on the host: allocated by the backend's allocator, or lent by a checkpoint's mapping.
// @unchecked because the pointer is fixed at creation and the bytes are written only by the backend's owner, one
// operation at a time; within an operation, threads write disjoint parts.
class HostStorage: TensorStorage, @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    let byteCount: Int
    let deviceName: String
    private let origin: Origin

    private enum Origin {
        case allocated(HostAllocator)
        /// Read-only: the backend never writes to a tensor made by `weight`. The allocator counts the bytes of a
        /// mapping as long as they are lent.
        case lent(any HostMemory, countedBy: HostAllocator?)
    }

    /// Takes over a block of `allocator`, which gets it back at the end.
    init(base: UnsafeMutableRawPointer, byteCount: Int, allocator: HostAllocator) {
        self.base = base
        self.byteCount = byteCount
        deviceName = allocator.deviceName
        origin = .allocated(allocator)
    }

    /// Shares `byteCount` bytes at `base`, inside of `memory`, which is kept alive. Those of a mapping count as in use,
    /// unless `isCounted` is false. Throws `outOfMemory` if they do not fit the limit.
    init(
        sharing base: UnsafeRawPointer, byteCount: Int, of memory: any HostMemory, allocator: HostAllocator,
        isCounted: Bool = true
    ) throws(TensorError) {
        let counts = isCounted && memory.isMapped
        if counts { try allocator.lend(byteCount, operation: "a weight") }
        self.base = UnsafeMutableRawPointer(mutating: base)
        self.byteCount = byteCount
        deviceName = allocator.deviceName
        origin = .lent(memory, countedBy: counts ? allocator : nil)
    }

    deinit {
        switch origin {
        case .allocated(let allocator): allocator.recycle(base, byteCount: byteCount)
        case .lent(_, let allocator): allocator?.takeBack(byteCount)
        }
    }
}

extension Tensor {
    /// The first element's address; the tensor must be one of the CPU backend's.
    var rawPointer: UnsafeMutableRawPointer {
        guard let storage = storage as? HostStorage else {
            preconditionFailure("a tensor of another device reached the CPU backend")
        }
        return storage.base + offset * dtype.byteCount
    }

    /// The first element's address of a float32 tensor.
    var floats: UnsafeMutablePointer<Float> {
        precondition(dtype == .float32)
        return rawPointer.assumingMemoryBound(to: Float.self)
    }
}
