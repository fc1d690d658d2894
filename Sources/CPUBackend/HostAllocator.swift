import Glibc
import Synchronization
import TensorCore

/// Hands out blocks of host memory, counts them, and keeps freed ones for the next request of the same size, or their
/// pages for one of another.
///
/// Kept blocks never raise the process's peak: what is used and what
/// is kept stay together below the most that was ever used at once.
package final class HostAllocator: Sendable {
    /// Blocks from this size on come straight from the system, and are kept.
    package static let mappedBlockBytes = KeptBlocks.mappedBlockBytes

    private struct State: ~Copyable {
        /// Of allocated blocks.
        var usedBytes = 0
        var peakBytes = 0
        var allocationCount = 0
        /// Requests until one fails on purpose.
        var requestsUntilFailure: Int?
        /// Of mappings.
        var lentBytes = 0
        /// Of both together.
        var totalPeakBytes = 0
        var kept = KeptBlocks()
    }

    private let state = Mutex(State())
    private let limitBytes: Int?
    private let isRehearsing: Bool
    /// What a rehearsal hands out: not null, aligned, and never looked at.
    private static let rehearsedAddress: UInt = 1 << 12
    private let shared: SharedMemoryLimit?
    private let pressure = Mutex<(@Sendable () -> Bool)?>(nil)
    /// The name of the backend that it belongs to.
    package let deviceName: String

    /// `limitBytes` bounds what may be in use at once, `shared` that of several allocators together; nil leaves it to
    /// the system. What those of one `shared` keep stays below their common peak. A rehearsing allocator counts as any
    /// other, and its blocks have no memory.
    package init(
        limitBytes: Int?, deviceName: String = "cpu", shared: SharedMemoryLimit? = nil, isRehearsing: Bool = false
    ) {
        self.limitBytes = limitBytes
        self.deviceName = deviceName
        self.shared = shared
        self.isRehearsing = isRehearsing
        shared?.join(self)
    }

    deinit {
        releaseKept()
    }

    /// What may change what is kept, which counts against the shared limit too.
    private func changing<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        state.withLock { state in
            let before = state.kept.bytes
            let result = body(&state)
            shared?.changeKept(by: state.kept.bytes - before)
            return result
        }
    }

    /// The limit, the shared one if that is smaller.
    package var smallestLimitBytes: Int? {
        [limitBytes, shared?.limitBytes].compactMap(\.self).min()
    }

    /// Bytes in use now, lent ones included, and the most since the last `resetPeak`; each block counts with its
    /// rounded size.
    package var memory: MemoryUse {
        state.withLock {
            MemoryUse(
                usedBytes: $0.usedBytes + $0.lentBytes, peakBytes: $0.totalPeakBytes, lentBytes: $0.lentBytes,
                peakOwnBytes: $0.peakBytes)
        }
    }

    /// Sets what is called before a request fails, see `Backend.setMemoryPressure`.
    package func setPressure(_ relieve: (@Sendable () -> Bool)?) {
        pressure.withLock { $0 = relieve }
    }

    /// Bytes of blocks that are kept for reuse.
    package var keptBytes: Int {
        state.withLock { $0.kept.bytes }
    }

    /// Requests so far, those that failed included.
    package var allocationCount: Int {
        state.withLock { $0.allocationCount }
    }

    /// Has one request fail, after `count` that do not; nil takes it back. For tests of what happens then.
    package func failRequest(after count: Int?) {
        state.withLock { $0.requestsUntilFailure = count }
    }

    /// Counts a request; an error if it is the one that fails on purpose.
    private func injectedFailure(_ size: Int, _ operation: String) -> TensorError? {
        state.withLock { state in
            state.allocationCount += 1
            guard let rest = state.requestsUntilFailure else { return nil }
            state.requestsUntilFailure = rest > 0 ? rest - 1 : nil
            guard rest == 0 else { return nil }
            return .outOfMemory(
                operation: operation, neededBytes: size, usedBytes: state.usedBytes + state.lentBytes,
                limitBytes: limitBytes)
        }
    }

    /// Starts a new peak at the bytes in use now; what is kept from before would lie above it and is freed.
    package func resetPeak() {
        changing {
            $0.kept.release(downTo: 0)
            $0.peakBytes = $0.usedBytes
            $0.totalPeakBytes = $0.usedBytes + $0.lentBytes
        }
        shared?.resetPeak()
    }

    /// A block of at least `byteCount` bytes, aligned to 64. Give it back with the same count.
    package func allocate(_ byteCount: Int, operation: String) throws(TensorError) -> UnsafeMutableRawPointer {
        let size = Self.roundedSize(byteCount)
        if let failure = injectedFailure(size, operation) { throw failure }
        var address: UInt = 0
        try relieving { () throws(Refusal) in
            let outcome: Result<UInt, Refusal> = changing { state in
                let mayStay: Int
                switch reserve(size, operation, isLent: false, &state) {
                case .success(let bytes): mayStay = bytes
                case .failure(let refusal): return .failure(refusal)
                }
                guard let block = isRehearsing ? Self.rehearsedAddress : Self.takeBlock(size, mayStay, &state) else {
                    shared?.giveBack(size, isLent: false)
                    let used = state.usedBytes + state.lentBytes
                    return .failure(
                        .error(.outOfMemory(operation: operation, neededBytes: size, usedBytes: used, limitBytes: nil)))
                }
                state.usedBytes += size
                state.peakBytes = max(state.peakBytes, state.usedBytes)
                state.totalPeakBytes = max(state.totalPeakBytes, state.usedBytes + state.lentBytes)
                return .success(block)
            }
            address = try outcome.get()
        }
        guard let block = UnsafeMutableRawPointer(bitPattern: address) else {
            preconditionFailure("a block at address zero")
        }
        return block
    }

    /// Counts bytes of a mapping as in use, until `takeBack`. Throws `outOfMemory` if they do not fit the limit.
    package func lend(_ byteCount: Int, operation: String) throws(TensorError) {
        try relieving { () throws(Refusal) in
            let refusal: Refusal? = changing { state in
                if case .failure(let refusal) = reserve(byteCount, operation, isLent: true, &state) { return refusal }
                state.lentBytes += byteCount
                state.totalPeakBytes = max(state.totalPeakBytes, state.usedBytes + state.lentBytes)
                return nil
            }
            if let refusal { throw refusal }
        }
    }

    /// Bytes of a mapping are not used any more.
    package func takeBack(_ byteCount: Int) {
        state.withLock { $0.lentBytes -= byteCount }
        shared?.giveBack(byteCount, isLent: true)
    }

    /// Why a request is not granted.
    private enum Refusal: Error {
        case error(TensorError)
        /// It will be when those under the shared limit have freed what they keep.
        case crowded
    }

    /// Tries `body` again as long as it fails and somebody gives memory back.
    private func relieving(_ body: () throws(Refusal) -> Void) throws(TensorError) {
        while true {
            do throws(Refusal) {
                return try body()
            } catch {
                // Both without the lock: what is given back comes through here.
                switch error {
                case .crowded: shared?.releaseKept()
                case .error(let error):
                    guard let relieve = pressure.withLock({ $0 }), relieve() else { throw error }
                }
            }
        }
    }

    /// Takes `size` bytes of the limits, or says why not; blocks kept for reuse go first. The bytes are those that may
    /// stay kept.
    private func reserve(
        _ size: Int, _ operation: String, isLent: Bool, _ state: inout State
    ) -> Result<Int, Refusal> {
        let used = state.usedBytes + state.lentBytes
        let (sum, overflow) = used.addingReportingOverflow(size)
        let limit = limitBytes ?? Int.max
        if overflow || sum > limit {
            return .failure(
                .error(.outOfMemory(operation: operation, neededBytes: size, usedBytes: used, limitBytes: limitBytes)))
        }
        let isKept = !isLent && state.kept.contains(size)
        var mayStay = state.peakBytes - state.usedBytes - size
        if let shared {
            switch shared.take(size, isKept: isKept, isLent: isLent, ownKeptBytes: state.kept.bytes) {
            case .granted(let bytes): mayStay = min(mayStay, bytes)
            case .crowded: return .failure(.crowded)
            case .refused:
                return .failure(
                    .error(
                        .outOfMemory(
                            operation: operation, neededBytes: size, usedBytes: shared.usedBytes,
                            limitBytes: shared.limitBytes)))
            }
        }
        if !isKept { state.kept.release(downTo: limit - sum) }
        return .success(mayStay)
    }

    /// Takes a block back, to keep it or to free it.
    package func recycle(_ block: UnsafeMutableRawPointer, byteCount: Int) {
        let size = Self.roundedSize(byteCount)
        let address = UInt(bitPattern: block)
        changing { state in
            state.usedBytes -= size
            // Used and kept bytes together stay what they were, and so below the peak.
            guard !isRehearsing, !state.kept.keep(address, size) else { return }
            state.kept.free(address, size)
        }
        shared?.giveBack(size, isLent: false)
    }

    /// Frees all kept blocks.
    package func releaseKept() {
        changing { $0.kept.release(downTo: 0) }
    }

    private static func takeBlock(_ size: Int, _ mayStay: Int, _ state: inout State) -> UInt? {
        state.kept.take(size) ?? state.kept.make(size, mayStay: mayStay)
    }

    /// The bytes that a block of `byteCount` takes: whole pages, whose size the system says, if it is mapped.
    package static func roundedSize(_ byteCount: Int, pageBytes: Int = HostPages.pageBytes) -> Int {
        let unit = byteCount >= mappedBlockBytes ? pageBytes : 64
        return max((byteCount + unit - 1) / unit * unit, unit)
    }
}
