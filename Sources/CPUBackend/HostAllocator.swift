import Glibc
import Synchronization
import TensorCore

/// Hands out blocks of host memory, counts them, and keeps freed ones for the next request of the same size.
///
/// Kept blocks never raise the process's peak: what is used and what
/// is kept stay together below the most that was ever used at once.
package final class HostAllocator: Sendable {
    /// Blocks from this size on come straight from the system, so that freeing them returns the memory.
    package static let mappedBlockBytes = 1 << 17
    /// From this size on the kernel is asked for huge pages:
    /// touching memory for the first time is then 10 times cheaper.
    private static let hugePageBytes = 8 << 20

    private struct State: ~Copyable {
        var usedBytes = 0
        var peakBytes = 0
        var keptBytes = 0
        var allocationCount = 0
        /// Requests until one fails on purpose.
        var requestsUntilFailure: Int?
        /// Addresses of kept blocks by size.
        var kept: [Int: [UInt]] = [:]
    }

    private let state = Mutex(State())
    private let limitBytes: Int?
    private let isRehearsing: Bool
    /// What a rehearsal hands out: not null, aligned, and never looked at.
    private static let rehearsedAddress: UInt = 1 << 12

    /// `limitBytes` bounds what may be in use at once; nil leaves it to the system. A rehearsing allocator counts as
    /// any other, and its blocks have no memory.
    package init(limitBytes: Int?, isRehearsing: Bool = false) {
        self.limitBytes = limitBytes
        self.isRehearsing = isRehearsing
    }

    /// Bytes in use now, and the most since the last `resetPeak`; each block counts with its rounded size.
    package var memory: MemoryUse {
        state.withLock { MemoryUse(usedBytes: $0.usedBytes, peakBytes: $0.peakBytes) }
    }

    /// Bytes of blocks that are kept for reuse.
    package var keptBytes: Int {
        state.withLock { $0.keptBytes }
    }

    /// Requests so far, those that failed included.
    package var allocationCount: Int {
        state.withLock { $0.allocationCount }
    }

    /// Has one request fail, after `count` that do not; nil takes it back. For tests of what happens then.
    package func failRequest(after count: Int?) {
        state.withLock { $0.requestsUntilFailure = count }
    }

    /// Counts a request; true if it is the one that fails on purpose.
    private static func isMeantToFail(_ state: inout State) -> Bool {
        state.allocationCount += 1
        guard let rest = state.requestsUntilFailure else { return false }
        state.requestsUntilFailure = rest > 0 ? rest - 1 : nil
        return rest == 0
    }

    /// Starts a new peak at the bytes in use now; what is kept from before would lie above it and is freed.
    package func resetPeak() {
        state.withLock {
            Self.releaseKept(&$0)
            $0.peakBytes = $0.usedBytes
        }
    }

    /// A block of at least `byteCount` bytes, aligned to 64. Give it back with the same count.
    package func allocate(_ byteCount: Int, operation: String) throws(TensorError) -> UnsafeMutableRawPointer {
        let size = Self.roundedSize(byteCount)
        let limit = limitBytes
        let outcome: Result<UInt, TensorError> = state.withLock { state in
            let (sum, overflow) = state.usedBytes.addingReportingOverflow(size)
            if Self.isMeantToFail(&state) || overflow || sum > limit ?? Int.max {
                return .failure(
                    .outOfMemory(
                        operation: operation, neededBytes: size, usedBytes: state.usedBytes, limitBytes: limit))
            }
            guard let block = isRehearsing ? Self.rehearsedAddress : Self.takeBlock(size, &state) else {
                return .failure(
                    .outOfMemory(operation: operation, neededBytes: size, usedBytes: state.usedBytes, limitBytes: nil))
            }
            state.usedBytes += size
            state.peakBytes = max(state.peakBytes, state.usedBytes)
            return .success(block)
        }
        guard let block = UnsafeMutableRawPointer(bitPattern: try outcome.get()) else {
            preconditionFailure("a block at address zero")
        }
        return block
    }

    /// Takes a block back, to keep it or to free it.
    package func recycle(_ block: UnsafeMutableRawPointer, byteCount: Int) {
        let size = Self.roundedSize(byteCount)
        let address = UInt(bitPattern: block)
        let keeps = state.withLock { state in
            state.usedBytes -= size
            // Used and kept bytes together stay what they were, and so below the peak.
            guard !isRehearsing else { return true }
            guard size >= Self.mappedBlockBytes else { return false }
            state.keptBytes += size
            state.kept[size, default: []].append(address)
            return true
        }
        if !keeps { Self.free(block, size: size) }
    }

    /// Frees all kept blocks.
    package func releaseKept() {
        state.withLock { Self.releaseKept(&$0) }
    }

    private static func takeBlock(_ size: Int, _ state: inout State) -> UInt? {
        if let block = state.kept[size]?.popLast() {
            state.keptBytes -= size
            return block
        }
        if state.usedBytes + state.keptBytes + size > state.peakBytes { releaseKept(&state) }
        return newBlock(size).map { UInt(bitPattern: $0) }
    }

    private static func releaseKept(_ state: inout State) {
        for (size, blocks) in state.kept {
            for block in blocks {
                if let pointer = UnsafeMutableRawPointer(bitPattern: block) { free(pointer, size: size) }
            }
        }
        state.kept.removeAll()
        state.keptBytes = 0
    }

    private static func roundedSize(_ byteCount: Int) -> Int {
        let unit = byteCount >= mappedBlockBytes ? 4096 : 64
        return max((byteCount + unit - 1) / unit * unit, unit)
    }

    private static func newBlock(_ size: Int) -> UnsafeMutableRawPointer? {
        guard size >= mappedBlockBytes else { return aligned_alloc(64, size) }
        guard let block = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            block != MAP_FAILED
        else { return nil }
        if size >= hugePageBytes { madvise(block, size, MADV_HUGEPAGE) }
        return block
    }

    private static func free(_ block: UnsafeMutableRawPointer, size: Int) {
        if size >= mappedBlockBytes {
            munmap(block, size)
        } else {
            Glibc.free(block)
        }
    }
}
