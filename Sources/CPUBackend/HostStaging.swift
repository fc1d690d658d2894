import TensorCore

/// A block of the backend's own memory that weights are read into; the backend then uses them there.
// @unchecked because the pointer is fixed at creation, and the one who fills the memory hands it on when it is done.
final class HostStaging: StagingMemory, @unchecked Sendable {
    let byteCount: Int
    let holdsData: Bool
    private let base: UnsafeMutableRawPointer
    private let allocator: HostAllocator

    /// Takes over a block of `allocator`, which gets it back at the end; `holdsData` is false for a rehearsal's.
    init(base: UnsafeMutableRawPointer, byteCount: Int, allocator: HostAllocator, holdsData: Bool) {
        self.holdsData = holdsData
        self.base = base
        self.byteCount = byteCount
        self.allocator = allocator
    }

    deinit {
        allocator.recycle(base, byteCount: byteCount)
    }

    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: base, count: byteCount))
    }

    func withUnsafeMutableBytes<Result, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeMutableRawBufferPointer(start: base, count: byteCount))
    }
}
