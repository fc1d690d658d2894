import CCUDA
import Synchronization
import TensorCore

/// Hands out blocks of device memory within a hard budget and keeps freed ones for the next request of the same size.
///
/// All arithmetic runs on one stream, so that a freed block may be written by the next kernel at once. A block that
/// goes to the copy stream must wait for the arithmetic that read it: blocks of weights carry an event from their
/// release, and are kept apart. A copy into a block that arithmetic wrote would wait for all that was asked for, and
/// every copy after it too: nothing would be left of copying beside arithmetic.
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

    /// Kept blocks of one size that the same stream wrote.
    private struct Shelf {
        /// The longest kept first.
        var blocks: [Kept] = []
        /// The request that last looked here, by number.
        var lastUse = 0
    }

    private struct ShelfKey: Hashable {
        let size: Int
        let writer: Writer
    }

    private struct State {
        var usedBytes: Int
        var peakBytes: Int
        var peakHeldBytes: Int
        var keptBytes = 0
        /// Those of kept bytes that copies wrote.
        var keptWeightBytes = 0
        var requests = 0
        var shelves: [ShelfKey: Shelf] = [:]

        /// Takes the newest or the oldest block from a shelf.
        mutating func take(_ key: ShelfKey, newest: Bool) -> Kept? {
            guard shelves[key]?.blocks.isEmpty == false else { return nil }
            let block = newest ? shelves[key]?.blocks.removeLast() : shelves[key]?.blocks.removeFirst()
            keptBytes -= key.size
            if key.writer == .copies { keptWeightBytes -= key.size }
            return block
        }
    }

    /// Blocks from this size on are counted in the driver's pages.
    private static let pageBytes = 2 << 20
    private static let unitBytes = 512
    /// Blocks under this size are always made anew rather than waited for: norms and biases, of which few are on their
    /// way at a time.
    private static let smallBytes = 1 << 20
    /// Kept weights whose readers still run may reach this many bytes before the copy stream waits for one of them: two
    /// of the transformer's blocks.
    private static let aheadBytes = 1 << 30

    let device: CUDADevice
    let limitBytes: Int?
    private let state: Mutex<State>
    private let pressure = Mutex<(@Sendable () -> Bool)?>(nil)

    /// - Parameter heldBytes: counted as in use from the beginning: what CUDA itself takes.
    init(device: CUDADevice, limitBytes: Int?, heldBytes: Int) {
        self.device = device
        state = Mutex(State(usedBytes: heldBytes, peakBytes: heldBytes, peakHeldBytes: heldBytes))
        self.limitBytes = limitBytes
    }

    /// Bytes in use now, and the most since `resetPeak`.
    var memory: MemoryUse {
        state.withLock {
            MemoryUse(usedBytes: $0.usedBytes, peakBytes: $0.peakBytes, peakHeldBytes: $0.peakHeldBytes)
        }
    }

    /// Bytes of blocks that are kept for reuse.
    var keptBytes: Int { state.withLock { $0.keptBytes } }

    func resetPeak() {
        state.withLock {
            $0.peakBytes = $0.usedBytes
            $0.peakHeldBytes = $0.usedBytes + $0.keptBytes
        }
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
            // What was given back may be another device's, whose context is current since.
            try device.enter()
        }
    }

    /// Sets what is called before an allocation fails; it returns true if it gave memory back, and the allocation is
    /// tried again.
    func setPressure(_ relieve: (@Sendable () -> Bool)?) {
        pressure.withLock { $0 = relieve }
    }

    /// Takes a block back from the one who asked for it as `writer`.
    func recycle(_ address: MicaDeviceAddress, byteCount: Int, writer: Writer) {
        let size = Self.roundedSize(byteCount)
        let isMarked = writer == .copies && (try? device.enter()) != nil
        // A mark that was not made would be taken for one that is reached.
        let passed = isMarked ? try? DeviceEvent(device, recordedOn: device.compute) : nil
        state.withLock { state in
            state.usedBytes -= size
            state.keptBytes += size
            if writer == .copies { state.keptWeightBytes += size }
            state.shelves[ShelfKey(size: size, writer: writer), default: Shelf(lastUse: state.requests)].blocks.append(
                Kept(address: address, passed: passed))
        }
    }

    /// Gives all kept blocks back to the driver, which waits for the device.
    func releaseKept() {
        state.withLock { releaseKept(downTo: 0, &$0) }
    }

    private func block(
        _ size: Int, _ operation: String, _ writer: Writer, _ state: inout State
    ) throws(TensorError) -> MicaDeviceAddress {
        let (sum, overflow) = state.usedBytes.addingReportingOverflow(size)
        if overflow || sum > limitBytes ?? Int.max {
            throw .outOfMemory(
                operation: operation, neededBytes: size, usedBytes: state.usedBytes, limitBytes: limitBytes)
        }
        state.requests += 1
        state.shelves[ShelfKey(size: size, writer: writer)]?.lastUse = state.requests
        let address =
            switch writer {
            case .arithmetic: try forArithmetic(size, operation, &state)
            case .copies: try forCopies(size, operation, &state)
            }
        state.usedBytes += size
        state.peakBytes = max(state.peakBytes, state.usedBytes)
        state.peakHeldBytes = max(state.peakHeldBytes, state.usedBytes + state.keptBytes)
        return address
    }

    /// Arithmetic comes after all arithmetic before it: any kept block will do, and what was freed last is likeliest
    /// to lie in the cache.
    private func forArithmetic(
        _ size: Int, _ operation: String, _ state: inout State
    ) throws(TensorError) -> MicaDeviceAddress {
        if let known = state.take(ShelfKey(size: size, writer: .arithmetic), newest: true) { return known.address }
        let other = ShelfKey(size: size, writer: .copies)
        if !hasRoom(size, state), let known = state.take(other, newest: true) { return known.address }
        return try new(size, operation, &state)
    }

    /// A copy into a block whose readers still run would wait for them: a fresh block lets it begin at once.
    private func forCopies(
        _ size: Int, _ operation: String, _ state: inout State
    ) throws(TensorError) -> MicaDeviceAddress {
        let own = ShelfKey(size: size, writer: .copies)
        let hasRoom = hasRoom(size, state)
        guard let oldest = state.shelves[own]?.blocks.first else {
            if !hasRoom, let other = state.take(ShelfKey(size: size, writer: .arithmetic), newest: false) {
                try hold(other)
                return other.address
            }
            return try new(size, operation, &state)
        }
        let isFree = try oldest.passed.map { (event) throws(TensorError) in try event.isReached } ?? false
        let mayGrow = hasRoom && (size < Self.smallBytes || state.keptWeightBytes < Self.aheadBytes)
        if mayGrow, !isFree, let fresh = try? new(size, operation, &state) { return fresh }
        // The driver may have refused a new block only after all kept ones were given back to it, this one too.
        guard let kept = state.take(own, newest: false) else { return try new(size, operation, &state) }
        try hold(kept)
        return kept.address
    }

    /// Lets copies wait until the block's readers have passed.
    private func hold(_ block: Kept) throws(TensorError) {
        let passed: DeviceEvent
        if let event = block.passed {
            passed = event
        } else {
            passed = try DeviceEvent(device, recordedOn: device.compute)
        }
        try passed.hold(device.copies)
    }

    /// True if a new block fits beside all that is in use or kept.
    private func hasRoom(_ size: Int, _ state: State) -> Bool {
        state.usedBytes + state.keptBytes + size <= limitBytes ?? Int.max
    }

    private func new(_ size: Int, _ operation: String, _ state: inout State) throws(TensorError) -> MicaDeviceAddress {
        if let limitBytes { releaseKept(downTo: limitBytes - state.usedBytes - size, &state) }
        var address: MicaDeviceAddress = 0
        var code = device.driver.cuMemAlloc_v2(&address, size)
        if code == Int32(MICA_CUDA_OUT_OF_MEMORY), state.keptBytes > 0 {
            releaseKept(downTo: 0, &state)
            code = device.driver.cuMemAlloc_v2(&address, size)
        }
        if code == Int32(MICA_CUDA_OUT_OF_MEMORY) {
            throw .outOfMemory(operation: operation, neededBytes: size, usedBytes: state.usedBytes, limitBytes: nil)
        }
        try device.check(code, "cuMemAlloc")
        return address
    }

    /// Gives kept blocks back until they are no more than so many bytes, those first whose like was not asked for the
    /// longest: each time the driver waits for the device, so that what the next block needs again had better stay.
    private func releaseKept(downTo byteCount: Int, _ state: inout State) {
        guard state.keptBytes > max(byteCount, 0) else { return }
        let keys = state.shelves.keys.sorted { one, other in
            (state.shelves[one]?.lastUse ?? 0) < (state.shelves[other]?.lastUse ?? 0)
        }
        for key in keys {
            while state.keptBytes > max(byteCount, 0), let block = state.take(key, newest: false) {
                if !device.isLost { _ = device.driver.cuMemFree_v2(block.address) }
            }
            if state.shelves[key]?.blocks.isEmpty == true { state.shelves[key] = nil }
            if state.keptBytes <= max(byteCount, 0) { return }
        }
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

    /// - Parameter isTimed: true for a place whose time is asked for.
    init(_ device: CUDADevice, isTimed: Bool = false) throws(TensorError) {
        var handle: UnsafeMutableRawPointer?
        let flags = isTimed ? 0 : UInt32(MICA_EVENT_NO_TIMING)
        try device.check(device.driver.cuEventCreate(&handle, flags), "cuEventCreate")
        guard let handle else { preconditionFailure("cuEventCreate gave no event") }
        self.device = device
        self.handle = handle
    }

    /// A mark of all that was asked of the stream until now.
    convenience init(_ device: CUDADevice, recordedOn stream: UnsafeMutableRawPointer) throws(TensorError) {
        try self.init(device)
        try record(on: stream)
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

    /// Waits for the mark, and tells how long after another one it was reached.
    func milliseconds(since start: DeviceEvent) throws(TensorError) -> Float {
        try wait()
        var time: Float = 0
        try device.check(device.driver.cuEventElapsedTime(&time, start.handle, handle), "cuEventElapsedTime")
        return time
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
