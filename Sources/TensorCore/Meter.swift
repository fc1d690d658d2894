import Synchronization

/// A backend without data: the same model runs on it with shapes
/// alone, and it counts what a real device would hold and do.
///
/// What it hands out has a size and nothing else; `download` gives zeros.
public final class Meter: Backend {
    public let name = "meter"

    private struct Counts {
        var memory = MemoryUse(usedBytes: 0, peakBytes: 0)
        var floatingPointOperations = 0
        var weightBytes = 0
    }

    private let counts = Mutex(Counts())

    /// A meter that has counted nothing yet.
    public init() {}

    /// Arithmetic so far; see `Operation.floatingPointOperations`.
    public var floatingPointOperations: Int { counts.withLock { $0.floatingPointOperations } }

    /// Bytes of weights brought to the device so far, each time they were.
    public var weightBytes: Int { counts.withLock { $0.weightBytes } }

    public var memory: MemoryUse { counts.withLock { $0.memory } }

    public func resetPeak() {
        counts.withLock { $0.memory.peakBytes = $0.memory.usedBytes }
    }

    public func releaseUnusedMemory() {}

    public func allocate(_ shape: Shape, _ dtype: DType) throws(TensorError) -> Tensor {
        let byteCount = dtype.byteCount(of: shape)
        count(byteCount)
        return Tensor(storage: CountedBytes(byteCount: byteCount, meter: self), shape: shape, dtype: dtype)
    }

    public func execute(_ operation: Operation) throws(TensorError) {
        operation.validate()
        counts.withLock { $0.floatingPointOperations += operation.floatingPointOperations }
    }

    public func upload(_ values: [Float], _ shape: Shape) throws(TensorError) -> Tensor {
        precondition(values.count == shape.elementCount, "\(values.count) values for \(shape)")
        return try allocate(shape, .float32)
    }

    public func download(_ tensor: Tensor) throws(TensorError) -> [Float] {
        [Float](repeating: 0, count: tensor.elementCount)
    }

    public func weight(_ tensor: HostTensor) throws(TensorError) -> Tensor {
        try countWeight(tensor)
        return Tensor(
            storage: CountedBytes(byteCount: tensor.byteCount, meter: nil), shape: tensor.shape, dtype: tensor.dtype)
    }

    public func parameter(_ tensor: HostTensor) throws(TensorError) -> Tensor {
        try countWeight(tensor)
        return try allocate(tensor.shape, .float32)
    }

    public func convolutionWeight(_ tensor: HostTensor) throws(TensorError) -> Tensor {
        try countWeight(tensor)
        let shape = tensor.shape
        precondition(shape.rank == 4 || shape.rank == 5, "a convolution's weight has 4 or 5 axes, not \(shape)")
        return try allocate([shape[0], shape[-2], shape[-1], shape[1]], .float32)
    }

    /// Refuses what a device would refuse, so that a forecast fails where the run would.
    private func countWeight(_ tensor: HostTensor) throws(TensorError) {
        guard tensor.isWeight else {
            throw .unsupportedDType(operation: "a weight", dtype: tensor.dtype)
        }
        counts.withLock { $0.weightBytes += tensor.storedByteCount }
    }

    fileprivate func count(_ byteCount: Int) {
        counts.withLock {
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
