import Synchronization

/// A backend that counts: the same model runs on it, and it says what that takes.
///
/// Alone it holds no data: what it hands out has a size and nothing else, and `download` gives zeros. Over another
/// backend it passes everything on and counts along: over one that rehearses (`Backend.rehearsal`) the result is a
/// forecast with that backend's own allocations, over one that computes a measurement.
public final class Meter: Backend {
    /// The name of the backend that it counts for.
    public let name: String

    private struct State {
        var memory = MemoryUse(usedBytes: 0, peakBytes: 0)
        var work = Work()
        var weightBytes = 0
        var movedBytes = 0
        var mapped = MappedUse()
        var weights = LivingWeights()
    }

    private let state = Mutex(State())
    private let inner: (any Backend)?

    /// A meter that has counted nothing yet, alone or over another backend.
    public init(over inner: (any Backend)? = nil) {
        self.inner = inner
        name = inner?.name ?? "meter"
    }

    /// What was counted since the meter was made.
    public struct Counts: Sendable, Hashable {
        /// Arithmetic.
        public var work: Work
        /// Bytes of weights that were asked for, each time they were.
        public var weightBytes: Int
        /// Bytes written to the device from outside: weights that it does not share with the host, and uploads.
        public var movedBytes: Int
        /// Bytes of mapped checkpoints that were touched, each once: what is read from storage if nothing is cached.
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
                work: $0.work, weightBytes: $0.weightBytes, movedBytes: $0.movedBytes, mappedBytes: $0.mapped.bytes)
        }
    }

    /// Arithmetic so far; see `Operation.floatingPointOperations`.
    public var floatingPointOperations: Int { state.withLock { $0.work.floatingPointOperations } }

    /// Bytes of weights brought to the device so far, each time they were.
    public var weightBytes: Int { state.withLock { $0.weightBytes } }

    public var memory: MemoryUse { inner?.memory ?? state.withLock { $0.memory } }

    /// The most weights at once since the peak was reset, as far as the meter looked.
    public var peakWeights: LivingWeights.Bytes {
        state.withLock {
            $0.weights.recount()
            return $0.weights.peak
        }
    }

    public func resetPeak() {
        inner?.resetPeak()
        state.withLock {
            $0.memory.peakBytes = $0.memory.usedBytes
            $0.weights.resetPeak()
        }
    }

    public func releaseUnusedMemory() { inner?.releaseUnusedMemory() }

    /// As the backend it counts for, or a meter of its own.
    public func rehearsal(limitBytes: Int?) -> any Backend {
        inner?.rehearsal(limitBytes: limitBytes) ?? Meter()
    }

    public func allocate(_ shape: Shape, _ dtype: DType) throws(TensorError) -> Tensor {
        if let inner {
            let tensor = try inner.allocate(shape, dtype)
            state.withLock { $0.mapped.forget(tensor) }
            return tensor
        }
        let byteCount = shape.elementCount * dtype.byteCount
        count(byteCount)
        return Tensor(storage: CountedBytes(byteCount: byteCount, meter: self), shape: shape, dtype: dtype)
    }

    public func execute(_ operation: Operation) throws(TensorError) {
        if let inner { try inner.execute(operation) } else { operation.validate() }
        state.withLock {
            $0.work += Work(operation)
            $0.mapped.touch(operation)
        }
    }

    public func upload(_ values: [Float], _ shape: Shape) throws(TensorError) -> Tensor {
        precondition(values.count == shape.elementCount, "\(values.count) values for \(shape)")
        return try upload(shape) { values }
    }

    public func upload(_ shape: Shape, _ values: () -> [Float]) throws(TensorError) -> Tensor {
        state.withLock { $0.movedBytes += shape.elementCount * DType.float32.byteCount }
        guard let inner else { return try allocate(shape, .float32) }
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
        let weight = Tensor(
            storage: CountedBytes(byteCount: tensor.byteCount, meter: nil), shape: tensor.shape, dtype: tensor.dtype)
        state.withLock {
            $0.mapped.share(weight, tensor)
            $0.weights.add(weight, heldBytes: 0)
        }
        return weight
    }

    public func blockWeight(_ tensor: HostTensor) throws(TensorError) -> Tensor {
        guard let inner else { return try weight(tensor) }
        return try bring(tensor, inner.memory.usedBytes, try inner.blockWeight(tensor))
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

    /// Counts a weight that the inner backend took: shared if it took no memory for it, else read and moved.
    private func bring(
        _ source: HostTensor, _ usedBefore: Int, _ transfer: @autoclosure () throws(TensorError) -> Tensor
    ) throws(TensorError) -> Tensor {
        let weight = try transfer()
        let taken = memory.usedBytes - usedBefore
        state.withLock {
            $0.weightBytes += source.byteCount
            $0.weights.add(weight, heldBytes: max(taken, 0))
            if taken > 0 {
                $0.movedBytes += source.byteCount
                $0.mapped.forget(weight)
                $0.mapped.touch(source)
            } else {
                $0.mapped.share(weight, source)
            }
        }
        return weight
    }

    /// Refuses what a device would refuse, so that a forecast fails where the run would.
    private func countWeight(_ tensor: HostTensor) throws(TensorError) {
        guard tensor.dtype.isWeightType else { throw .unsupportedDType(operation: "a weight", dtype: tensor.dtype) }
        state.withLock { $0.weightBytes += tensor.byteCount }
    }

    fileprivate func count(_ byteCount: Int) {
        state.withLock {
            $0.memory.usedBytes += byteCount
            $0.memory.peakBytes = max($0.memory.peakBytes, $0.memory.usedBytes)
        }
    }
}

/// A size that the meter counts as long as it lives; without a meter it counts nowhere (bytes shared with a mapping).
private final class CountedBytes: TensorStorage {
    let byteCount: Int
    private let meter: Meter?

    init(byteCount: Int, meter: Meter?) {
        self.byteCount = byteCount
        self.meter = meter
    }

    deinit {
        meter?.count(-byteCount)
    }
}
