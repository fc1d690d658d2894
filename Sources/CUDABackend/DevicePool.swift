import CCUDA
import Synchronization
import TensorCore

/// Hands out blocks of device memory within a hard budget and keeps freed ones for the next request of the same size.
///
/// All arithmetic runs on one stream, so that a freed block may be written by the next kernel at once. A block that
/// goes to the copy stream must wait for the arithmetic that read it: blocks of weights carry an event from their
/// release.
// @unchecked because all state is behind the mutex; events and addresses are handles.
final class DevicePool: @unchecked Sendable {
    /// Who writes a new block first.
    enum Writer {
        case arithmetic
        case copies
    }

    private struct Kept {
        let address: MicaDeviceAddress
        /// The arithmetic that last used the block has passed it; nil stands for all that was asked for until now.
        let passed: DeviceEvent?
    }

    private struct State: ~Copyable {
        var usedBytes = 0
        var peakBytes = 0
        var keptBytes = 0
        /// Kept blocks by size, the longest kept first.
        var kept: [Int: [Kept]] = [:]
    }

    /// Blocks from this size on are counted in the driver's pages.
    private static let pageBytes = 2 << 20
    private static let unitBytes = 512
    /// Blocks from this size on get an event when weights in them are released.
    static let eventBytes = 1 << 20
    /// Kept blocks whose readers still run may reach this many bytes before the copy stream waits for one of them: two
    /// of the transformer's blocks.
    private static let aheadBytes = 1 << 30

    let device: CUDADevice
    let limitBytes: Int?
    private let state = Mutex(State())
    private let pressure = Mutex<(@Sendable () -> Bool)?>(nil)

    init(device: CUDADevice, limitBytes: Int?) {
        self.device = device
        self.limitBytes = limitBytes
    }

    /// Bytes in use now, and the most since `resetPeak`.
    var memory: MemoryUse { state.withLock { MemoryUse(usedBytes: $0.usedBytes, peakBytes: $0.peakBytes) } }

    /// Bytes of blocks that are kept for reuse.
    var keptBytes: Int { state.withLock { $0.keptBytes } }

    func resetPeak() {
        state.withLock { $0.peakBytes = $0.usedBytes }
    }

    static func roundedSize(_ byteCount: Int) -> Int {
        let unit = byteCount >= pageBytes ? pageBytes : unitBytes
        return max((byteCount + unit - 1) / unit * unit, unit)
    }

    /// A block of at least `byteCount` bytes, aligned to 256.
    ///
    /// - Throws: `outOfMemory`, with the budget as its limit if that is what refused.
    func allocate(
        _ byteCount: Int, operation: String, writer: Writer = .arithmetic
    ) throws(TensorError) -> MicaDeviceAddress {
        let size = Self.roundedSize(byteCount)
        while true {
            let outcome: Result<MicaDeviceAddress, TensorError> = state.withLock { state in
                do throws(TensorError) {
                    return .success(try block(size, operation, writer, &state))
                } catch {
                    return .failure(error)
                }
            }
            // Outside of the lock: what is given back comes through `recycle`.
            guard case .failure(.outOfMemory) = outcome, let relieve = pressure.withLock({ $0 }), relieve() else {
                return try outcome.get()
            }
        }
    }

    /// Sets what is called before an allocation fails; it returns true if it gave memory back, and the allocation is
    /// tried again.
    func setPressure(_ relieve: (@Sendable () -> Bool)?) {
        pressure.withLock { $0 = relieve }
    }

    /// Takes a block back. `isWeight` tells that copies may write it next.
    func recycle(_ address: MicaDeviceAddress, byteCount: Int, isWeight: Bool) {
        let size = Self.roundedSize(byteCount)
        let isMarked = isWeight && size >= Self.eventBytes && (try? device.enter()) != nil
        let passed = isMarked ? try? DeviceEvent(device) : nil
        if let passed { try? passed.record(on: device.compute) }
        state.withLock { state in
            state.usedBytes -= size
            state.keptBytes += size
            state.kept[size, default: []].append(Kept(address: address, passed: passed))
        }
    }

    /// Gives all kept blocks back to the driver, which waits for the device.
    func releaseKept() {
        state.withLock { releaseKept(&$0) }
    }

    private func block(
        _ size: Int, _ operation: String, _ writer: Writer, _ state: inout State
    ) throws(TensorError) -> MicaDeviceAddress {
        let (sum, overflow) = state.usedBytes.addingReportingOverflow(size)
        if overflow || sum > limitBytes ?? Int.max {
            throw .outOfMemory(
                operation: operation, neededBytes: size, usedBytes: state.usedBytes, limitBytes: limitBytes)
        }
        var address = try reuse(size, writer, &state)
        if address == nil { address = try new(size, operation, &state) }
        guard let address else { preconditionFailure("no block and no error") }
        state.usedBytes += size
        state.peakBytes = max(state.peakBytes, state.usedBytes)
        return address
    }

    private func reuse(_ size: Int, _ writer: Writer, _ state: inout State) throws(TensorError) -> MicaDeviceAddress? {
        guard let blocks = state.kept[size], let oldest = blocks.first, let newest = blocks.last else { return nil }
        // Arithmetic comes after all arithmetic before it; what was freed last is the likeliest to lie in the cache.
        if writer == .arithmetic {
            state.kept[size]?.removeLast()
            state.keptBytes -= size
            return newest.address
        }
        // A copy into a block whose readers still run would wait for them: a fresh block lets it begin at once.
        let mayGrow =
            state.usedBytes + state.keptBytes + size <= limitBytes ?? Int.max && state.keptBytes < Self.aheadBytes
        let isFree = try oldest.passed.map { (event) throws(TensorError) in try event.isReached } ?? false
        if mayGrow, !isFree, let fresh = try? new(size, "weights", &state) { return fresh }
        state.kept[size]?.removeFirst()
        state.keptBytes -= size
        let passed: DeviceEvent
        if let event = oldest.passed {
            passed = event
        } else {
            passed = try DeviceEvent(device)
            try passed.record(on: device.compute)
        }
        try passed.hold(device.copies)
        return oldest.address
    }

    private func new(_ size: Int, _ operation: String, _ state: inout State) throws(TensorError) -> MicaDeviceAddress {
        if let limitBytes, state.usedBytes + state.keptBytes + size > limitBytes { releaseKept(&state) }
        var address: MicaDeviceAddress = 0
        var code = device.driver.cuMemAlloc_v2(&address, size)
        if code == Int32(MICA_CUDA_OUT_OF_MEMORY), state.keptBytes > 0 {
            releaseKept(&state)
            code = device.driver.cuMemAlloc_v2(&address, size)
        }
        if code == Int32(MICA_CUDA_OUT_OF_MEMORY) {
            throw .outOfMemory(operation: operation, neededBytes: size, usedBytes: state.usedBytes, limitBytes: nil)
        }
        try device.check(code, "cuMemAlloc")
        return address
    }

    private func releaseKept(_ state: inout State) {
        if !device.isLost {
            for block in state.kept.values.joined() { _ = device.driver.cuMemFree_v2(block.address) }
        }
        state.kept.removeAll()
        state.keptBytes = 0
    }

    deinit {
        // Whatever was in use belongs to tensors, and those keep the pool alive.
        if (try? device.enter()) != nil { releaseKept() }
    }
}

/// A place in a stream that others can wait for.
// @unchecked because the handle is fixed and the driver's functions may be called from any thread.
final class DeviceEvent: @unchecked Sendable {
    private let device: CUDADevice
    private let handle: UnsafeMutableRawPointer

    init(_ device: CUDADevice) throws(TensorError) {
        var handle: UnsafeMutableRawPointer?
        try device.check(device.driver.cuEventCreate(&handle, UInt32(MICA_EVENT_NO_TIMING)), "cuEventCreate")
        guard let handle else { preconditionFailure("cuEventCreate gave no event") }
        self.device = device
        self.handle = handle
    }

    deinit {
        // The driver keeps the event until work that waits for it is done.
        if !device.isLost { _ = device.driver.cuEventDestroy_v2(handle) }
    }

    /// Marks all that was asked of the stream until now.
    func record(on stream: UnsafeMutableRawPointer) throws(TensorError) {
        try device.check(device.driver.cuEventRecord(handle, stream), "cuEventRecord")
    }

    /// Lets a stream wait for the mark; the caller does not wait.
    func hold(_ stream: UnsafeMutableRawPointer) throws(TensorError) {
        try device.check(device.driver.cuStreamWaitEvent(stream, handle, 0), "cuStreamWaitEvent")
    }

    /// Waits for the mark.
    func wait() throws(TensorError) {
        try device.check(device.driver.cuEventSynchronize(handle), "cuEventSynchronize")
    }

    /// True if all that was marked is done.
    var isReached: Bool {
        get throws(TensorError) {
            let code = device.driver.cuEventQuery(handle)
            if code == Int32(MICA_CUDA_NOT_READY) { return false }
            try device.check(code, "cuEventQuery")
            return true
        }
    }
}
