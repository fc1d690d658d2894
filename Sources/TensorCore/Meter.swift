import Synchronization

/// A backend that counts: the same model runs on it, and it says what that takes.
///
/// Alone it holds no data: what it hands out has a size and nothing else, and `download` gives zeros. Over another
/// backend it passes everything on and counts along: over one that rehearses (`Backend.rehearsal`) the result is a
/// forecast with that backend's own allocations, over one that computes a measurement.
public final class Meter: Backend {
    /// The name of the backend that it counts for.
    public let name: String
    /// As the device that it stands for.
    public let copiesAhead: Bool
    public let rowsAtOnce: Int
    private let ownLimitBytes: Int?
    private let heldBytes: Int
    private let pressure = Mutex<(@Sendable () -> Bool)?>(nil)

    private struct State {
        var memory = MemoryUse(usedBytes: 0, peakBytes: 0)
        var work = Work()
        var weightBytes = 0
        var movedBytes = 0
        var mapped = MappedUse()
        var weights = LivingWeights()
        /// The most in use since `resetPeak`, as far as the inner backend no longer knows it.
        var peakBytes = 0
        var peakHeldBytes = 0
    }

    private let state = Mutex(State())
    private let inner: (any Backend)?
    /// Counts the whole process along with this device.
    let process: ProcessMeter?
    private let isHost: Bool

    /// A meter over another backend that has counted nothing yet.
    ///
    /// - Parameters:
    ///   - process: is told of every change of memory; only for an `inner` that rehearses.
    ///   - isHost: true if the device's memory is the process's.
    public init(over inner: any Backend, process: ProcessMeter? = nil, isHost: Bool = true) {
        precondition(process == nil || !inner.holdsData, "a process is rehearsed as a whole")
        self.inner = inner
        self.process = process
        self.isHost = isHost
        name = inner.name
        copiesAhead = inner.copiesAhead
        rowsAtOnce = inner.rowsAtOnce
        ownLimitBytes = nil
        heldBytes = 0
        process?.add(self)
    }

    /// A meter alone.
    ///
    /// - Parameters:
    ///   - limitBytes: what may be held at once, as on a real device; nil sets no limit.
    ///   - heldBytes: counted as held from the beginning, as a device's own.
    ///   - copiesAhead: as `Backend.copiesAhead` of the device.
    ///   - rowsAtOnce: as `Backend.rowsAtOnce` of the device.
    public init(
        name: String = "meter", limitBytes: Int? = nil, heldBytes: Int = 0, copiesAhead: Bool = false,
        rowsAtOnce: Int = 1024
    ) {
        inner = nil
        process = nil
        isHost = true
        self.name = name
        self.copiesAhead = copiesAhead
        self.rowsAtOnce = rowsAtOnce
        ownLimitBytes = limitBytes
        self.heldBytes = heldBytes
        state.withLock { $0.memory = MemoryUse(usedBytes: heldBytes, peakBytes: heldBytes) }
    }

    /// What was counted since the meter was made.
    public struct Counts: Sendable, Hashable {
        /// Arithmetic.
        public var work: Work
        /// Bytes of weights that were asked for, each time they were.
        public var weightBytes: Int
        /// Bytes written to the device from outside: weights that it does not share with the host, and uploads.
        public var movedBytes: Int
        /// Bytes of mapped checkpoints that were touched for the first time, or again after they were given back: what
        /// is read from storage if nothing is cached.
        public var mappedBytes: Int

        /// Nothing, or what is given.
        public init(work: Work = Work(), weightBytes: Int = 0, movedBytes: Int = 0, mappedBytes: Int = 0) {
            self.work = work
            self.weightBytes = weightBytes
            self.movedBytes = movedBytes
            self.mappedBytes = mappedBytes
        }

        /// One and then the other.
        public static func + (one: Counts, other: Counts) -> Counts {
            Counts(
                work: one.work + other.work, weightBytes: one.weightBytes + other.weightBytes,
                movedBytes: one.movedBytes + other.movedBytes, mappedBytes: one.mappedBytes + other.mappedBytes)
        }

        /// What was counted after `other` up to `one`.
        public static func - (one: Counts, other: Counts) -> Counts { one + other * -1 }

        /// The same `count` times.
        public static func * (counts: Counts, count: Int) -> Counts {
            Counts(
                work: counts.work * count, weightBytes: counts.weightBytes * count,
                movedBytes: counts.movedBytes * count, mappedBytes: counts.mappedBytes * count)
        }
    }

    /// All counters at this moment; `memory` has the tensors.
    public var counts: Counts {
        state.withLock {
            Counts(
                work: $0.work, weightBytes: $0.weightBytes, movedBytes: $0.movedBytes, mappedBytes: $0.mapped.readBytes)
        }
    }

    /// Arithmetic so far; see `Operation.floatingPointOperations`.
    public var floatingPointOperations: Int { state.withLock { $0.work.floatingPointOperations } }

    /// Bytes of weights brought to the device so far, each time they were.
    public var weightBytes: Int { state.withLock { $0.weightBytes } }

    public var memory: MemoryUse {
        guard let inner else { return state.withLock { $0.memory } }
        var use = inner.memory
        if process != nil {
            state.withLock {
                use.peakBytes = max(use.peakBytes, $0.peakBytes)
                use.peakHeldBytes = max(use.peakHeldBytes, $0.peakHeldBytes)
            }
        }
        return use
    }

    /// The most weights at once since the peak was reset, as far as the meter looked.
    public var peakWeights: LivingWeights.Bytes {
        state.withLock {
            $0.weights.recount()
            return $0.weights.peak
        }
    }

    /// What the device held of the process's memory between two looks.
    struct Interval {
        let peakOwnBytes: Int
        let ownBytes: Int
        let mappedBytes: Int
    }

    /// Ends an interval, so that a peak that comes later is told from one before.
    func takeInterval() -> Interval {
        let use = inner?.memory ?? MemoryUse(usedBytes: 0, peakBytes: 0)
        inner?.resetPeak()
        let mapped = state.withLock {
            $0.peakBytes = max($0.peakBytes, use.peakBytes)
            $0.peakHeldBytes = max($0.peakHeldBytes, use.peakHeldBytes)
            return $0.mapped.residentBytes
        }
        return Interval(
            peakOwnBytes: isHost ? use.peakOwnBytes : 0, ownBytes: isHost ? use.usedBytes - use.lentBytes : 0,
            mappedBytes: mapped)
    }

    /// Has the process look at what is held before a page comes or goes, and after.
    private func look() {
        process?.look()
    }

    public func resetPeak() {
        look()
        inner?.resetPeak()
        let used = inner?.memory.usedBytes ?? 0
        state.withLock {
            $0.peakBytes = used
            $0.peakHeldBytes = used
            $0.memory.peakBytes = $0.memory.usedBytes
            $0.memory.peakOwnBytes = $0.memory.usedBytes
            $0.memory.peakHeldBytes = $0.memory.usedBytes
            $0.weights.resetPeak()
        }
    }

    public func releaseUnusedMemory() { inner?.releaseUnusedMemory() }

    public var limitBytes: Int? { inner?.limitBytes ?? ownLimitBytes }

    public var holdsData: Bool { inner?.holdsData ?? false }

    public func setMemoryPressure(_ relieve: (@Sendable () -> Bool)?) {
        inner?.setMemoryPressure(relieve)
        pressure.withLock { $0 = relieve }
    }

    public func stagingMemory(byteCount: Int) throws(TensorError) -> any StagingMemory {
        if let inner { return try inner.stagingMemory(byteCount: byteCount) }
        return CountedStaging(bytes: try counted(byteCount, operation: "staged weights"))
    }

    public func rows(_ indices: [Int32], of table: HostTensor) throws(TensorError) -> Tensor {
        look()
        state.withLock { $0.mapped.touchRows(of: table, indices) }
        guard let inner else { return try allocate([indices.count, table.shape[1]], .float32) }
        let tensor = try inner.rows(indices, of: table)
        state.withLock { $0.mapped.forget(tensor) }
        look()
        return tensor
    }

    /// The pages of a mapped tensor were given back to the system: they are read again when they are used again.
    public func giveBackPages(of tensor: HostTensor) {
        look()
        state.withLock { $0.mapped.giveBack(tensor) }
        look()
    }

    /// All pages of a mapping were given back.
    public func giveBackPages(of mapping: any HostMemory) {
        look()
        state.withLock { $0.mapped.giveBackAll(of: mapping) }
        look()
    }

    /// As the backend it counts for, or a meter of its own.
    public func rehearsal(limitBytes: Int?) -> any Backend {
        inner?.rehearsal(limitBytes: limitBytes)
            ?? Meter(
                name: name, limitBytes: limitBytes, heldBytes: heldBytes, copiesAhead: copiesAhead,
                rowsAtOnce: rowsAtOnce)
    }

    public func allocate(_ shape: Shape, _ dtype: DType) throws(TensorError) -> Tensor {
        if let inner {
            let tensor = try inner.allocate(shape, dtype)
            state.withLock { $0.mapped.forget(tensor) }
            return tensor
        }
        let byteCount = dtype.byteCount(of: shape)
        return Tensor(
            storage: try counted(byteCount, operation: "a tensor \(shape)"), shape: shape, dtype: dtype)
    }

    public func execute(_ operation: Operation) throws(TensorError) {
        look()
        if let inner {
            try inner.execute(operation)
        } else {
            operation.validate()
            try operation.checkDevice(name)
        }
        state.withLock {
            $0.work += Work(operation)
            $0.mapped.touch(operation)
        }
        look()
    }

    public func upload(_ values: [Float], _ shape: Shape) throws(TensorError) -> Tensor {
        precondition(values.count == shape.elementCount, "\(values.count) values for \(shape)")
        return try upload(shape) { values }
    }

    public func upload(_ shape: Shape, _ values: () -> [Float]) throws(TensorError) -> Tensor {
        state.withLock { $0.movedBytes += shape.elementCount * DType.float32.byteCount }
        guard let inner else { return try allocate(shape, .float32) }
        let arrays = HostArrayCount(on: self)
        arrays.hold(shape.elementCount * DType.float32.byteCount)
        let tensor = try inner.upload(shape, values)
        state.withLock { $0.mapped.forget(tensor) }
        return tensor
    }

    public func download(_ tensor: Tensor) throws(TensorError) -> [Float] {
        if let inner { return try inner.download(tensor) }
        return [Float](repeating: 0, count: tensor.elementCount)
    }

    public func weight(_ tensor: HostTensor) throws(TensorError) -> Tensor {
        if let inner { return try bring(tensor, inner.memory.usedBytes, try inner.weight(tensor)) }
        try countWeight(tensor)
        // Staged bytes are counted as such; a mapping's are where they are lent, on any other device they are copied.
        let isHeld = tensor.memory.isMapped || copiesAhead
        let storage =
            isHeld
            ? try counted(tensor.byteCount, operation: "a weight")
            : CountedBytes(byteCount: tensor.byteCount, meter: nil, deviceName: name, sharing: tensor.memory)
        let weight = Tensor(storage: storage, shape: tensor.shape, dtype: tensor.dtype)
        state.withLock {
            $0.mapped.share(weight, tensor)
            $0.weights.add(weight, heldBytes: 0)
        }
        return weight
    }

    public func blockWeight(_ tensor: HostTensor, as form: WeightForm?) throws(TensorError) -> Tensor {
        if let inner { return try bring(tensor, inner.memory.usedBytes, try inner.blockWeight(tensor, as: form)) }
        guard let form, tensor.quantization == nil, tensor.shape.rank == 2, form.narrows(tensor.dtype)
        else { return try weight(tensor) }
        try countWeight(tensor)
        let byteCount = form.byteCount(of: tensor.shape, from: tensor.dtype)
        let weight = Tensor(
            storage: try counted(byteCount, operation: "a weight"), shape: tensor.shape, dtype: form.precision.dtype)
        state.withLock {
            $0.mapped.touch(tensor)
            $0.weights.add(weight, heldBytes: byteCount)
        }
        return weight
    }

    public func parameter(_ tensor: HostTensor) throws(TensorError) -> Tensor {
        if let inner { return try bring(tensor, inner.memory.usedBytes, try inner.parameter(tensor)) }
        try countWeight(tensor)
        return try allocate(tensor.shape, .float32)
    }

    public func convolutionWeight(_ tensor: HostTensor) throws(TensorError) -> Tensor {
        if let inner { return try bring(tensor, inner.memory.usedBytes, try inner.convolutionWeight(tensor)) }
        try countWeight(tensor)
        let shape = tensor.shape
        precondition(shape.rank == 4 || shape.rank == 5, "a convolution's weight has 4 or 5 axes, not \(shape)")
        return try allocate([shape[0], shape[-2], shape[-1], shape[1]], .float32)
    }

    /// Counts a weight that the inner backend took: lent where it lies in memory as the checkpoint has it, else read
    /// and moved.
    private func bring(
        _ source: HostTensor, _ usedBefore: Int, _ transfer: @autoclosure () throws(TensorError) -> Tensor
    ) throws(TensorError) -> Tensor {
        look()
        defer { look() }
        let weight = try transfer()
        let taken = memory.usedBytes - usedBefore
        // A view of the checkpoint's own bytes has its type and size; whatever is converted differs in one of them.
        let isView =
            isHost && weight.dtype == source.dtype && weight.storage.byteCount == source.byteCount
        let isShared = isView && source.memory.isMapped
        let held = isView ? source.byteCount : max(taken, 0)
        state.withLock {
            $0.weightBytes += source.storedByteCount
            $0.weights.add(weight, heldBytes: isShared ? 0 : held)
            if isShared {
                $0.mapped.share(weight, source)
            } else {
                // What is staged was moved when it was read.
                if !isView { $0.movedBytes += source.byteCount }
                $0.mapped.forget(weight)
                $0.mapped.touch(source)
            }
        }
        return weight
    }

    /// Refuses what a device would refuse, so that a forecast fails where the run would.
    private func countWeight(_ tensor: HostTensor) throws(TensorError) {
        guard tensor.isWeight else { throw .unsupportedDType(operation: "a weight", dtype: tensor.dtype) }
        state.withLock { $0.weightBytes += tensor.storedByteCount }
    }

    /// Bytes that count until the storage goes. Throws `outOfMemory` beyond the limit.
    private func counted(_ byteCount: Int, operation: String) throws(TensorError) -> CountedBytes {
        while true {
            let excess: Int? = state.withLock {
                let sum = $0.memory.usedBytes + byteCount
                if sum > ownLimitBytes ?? Int.max { return $0.memory.usedBytes }
                $0.memory.usedBytes = sum
                $0.memory.peakBytes = max($0.memory.peakBytes, sum)
                $0.memory.peakOwnBytes = $0.memory.peakBytes
                $0.memory.peakHeldBytes = $0.memory.peakBytes
                return nil
            }
            guard let used = excess else {
                return CountedBytes(byteCount: byteCount, meter: self, deviceName: name)
            }
            guard let relieve = pressure.withLock({ $0 }), relieve() else {
                throw .outOfMemory(
                    operation: operation, neededBytes: byteCount, usedBytes: used, limitBytes: ownLimitBytes)
            }
        }
    }

    fileprivate func giveBack(_ byteCount: Int) {
        state.withLock { $0.memory.usedBytes -= byteCount }
    }
}

/// A size that the meter counts as long as it lives; without a meter it counts nowhere (bytes shared with a mapping).
private final class CountedBytes: TensorStorage {
    let byteCount: Int
    let deviceName: String
    private let meter: Meter?
    /// Kept as long as its bytes are used.
    private let memory: (any HostMemory)?

    init(byteCount: Int, meter: Meter?, deviceName: String, sharing memory: (any HostMemory)? = nil) {
        self.byteCount = byteCount
        self.meter = meter
        self.deviceName = deviceName
        self.memory = memory
    }

    deinit {
        meter?.giveBack(byteCount)
    }
}

/// Staged weights that are a size alone.
private final class CountedStaging: StagingMemory {
    let holdsData = false
    private let bytes: CountedBytes

    init(bytes: CountedBytes) {
        self.bytes = bytes
    }

    var byteCount: Int { bytes.byteCount }

    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        preconditionFailure("a meter's staged weights have no bytes")
    }

    func withUnsafeMutableBytes<Result, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        preconditionFailure("a meter's staged weights have no bytes")
    }
}
