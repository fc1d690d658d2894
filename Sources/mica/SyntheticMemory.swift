import Glibc
import TensorCore

/// Anonymous memory that stands for a mapped checkpoint: pages of the same size, resident once they are touched.
// @unchecked because the bytes are written only before the object is shared, and unmapped with the last reference.
final class SyntheticMemory: HostMemory, @unchecked Sendable {
    let byteCount: Int
    private let address: UnsafeMutableRawPointer

    /// Zeros that take no memory until they are touched. Throws `outOfMemory` if there is no room for them.
    init(byteCount: Int) throws(TensorError) {
        self.byteCount = byteCount
        let mapping = mmap(
            nil, max(byteCount, 1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let mapping, mapping != MAP_FAILED else {
            throw .outOfMemory(
                operation: "synthetic weights", neededBytes: byteCount, usedBytes: 0, limitBytes: nil)
        }
        address = mapping
    }

    deinit {
        munmap(address, max(byteCount, 1))
    }

    /// Fills the memory with a pattern, again and again.
    func fill<Element: BitwiseCopyable>(with pattern: [Element]) {
        pattern.withUnsafeBytes { pattern in
            guard let base = pattern.baseAddress, pattern.count > 0 else { return }
            for start in stride(from: 0, to: byteCount, by: pattern.count) {
                (address + start).copyMemory(from: base, byteCount: min(pattern.count, byteCount - start))
            }
        }
    }

    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: address, count: byteCount))
    }
}
