import Synchronization

/// A backend without data: the same model runs on it with shapes
/// alone, and it counts what a real device would hold and do.
///
/// What it hands out has a size and nothing else; `download` gives zeros.
public final class Meter: Backend {
    public let name: String
    /// As the device that it stands for.
    public let sharesHostMemory: Bool
    public let limitBytes: Int?
    private let pressure = Mutex<(@Sendable () -> Bool)?>(nil)

    private struct Counts {
        var memory = MemoryUse(usedBytes: 0, peakBytes: 0)
        var floatingPointOperations = 0
        var weightBytes = 0
    }

    private let counts = Mutex(Counts())

    /// A meter that has counted nothing yet.
    ///
    /// - Parameters:
    ///   - limitBytes: what may be held at once, as on a real device; nil sets no limit.
    ///   - sharesHostMemory: true for a backend that uses a checkpoint's bytes where they are.
    public init(name: String = "meter", limitBytes: Int? = nil, sharesHostMemory: Bool = true) {
        self.name = name
        self.limitBytes = limitBytes
        self.sharesHostMemory = sharesHostMemory
    }

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
        let byteCount = shape.elementCount * dtype.byteCount
        return Tensor(
            storage: try counted(byteCount, operation: "a tensor \(shape)"), shape: shape, dtype: dtype)
    }

    public func stagingMemory(byteCount: Int) throws(TensorError) -> any StagingMemory {
        CountedStaging(bytes: try counted(byteCount, operation: "staged weights"))
    }

    public func setMemoryPressure(_ relieve: (@Sendable () -> Bool)?) {
        pressure.withLock { $0 = relieve }
    }

    public func rows(_ indices: [Int32], of table: HostTensor) throws(TensorError) -> Tensor {
        try allocate([indices.count, table.shape[1]], .float32)
    }

    public func execute(_ operation: Operation) throws(TensorError) {
        operation.validate()
        try operation.checkDevice(name)
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
        // Staged bytes are counted as such; a mapping's are where they are lent, on any other device they are copied.
        let isHeld = tensor.memory.isMapped || !sharesHostMemory
        let storage =
            isHeld
            ? try counted(tensor.byteCount, operation: "a weight")
            : CountedBytes(byteCount: tensor.byteCount, meter: nil, deviceName: name, sharing: tensor.memory)
        return Tensor(storage: storage, shape: tensor.shape, dtype: tensor.dtype)
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
        guard tensor.dtype.isWeightType else { throw .unsupportedDType(operation: "a weight", dtype: tensor.dtype) }
        counts.withLock { $0.weightBytes += tensor.byteCount }
    }

    /// Bytes that count until the storage goes. Throws `outOfMemory` beyond the limit.
    private func counted(_ byteCount: Int, operation: String) throws(TensorError) -> CountedBytes {
        while true {
            let excess: Int? = counts.withLock {
                let sum = $0.memory.usedBytes + byteCount
                if sum > limitBytes ?? Int.max { return $0.memory.usedBytes }
                $0.memory.usedBytes = sum
                $0.memory.peakBytes = max($0.memory.peakBytes, sum)
                return nil
            }
            guard let used = excess else {
                return CountedBytes(byteCount: byteCount, meter: self, deviceName: name)
            }
            guard let relieve = pressure.withLock({ $0 }), relieve() else {
                throw .outOfMemory(
                    operation: operation, neededBytes: byteCount, usedBytes: used, limitBytes: limitBytes)
            }
        }
    }

    fileprivate func giveBack(_ byteCount: Int) {
        counts.withLock { $0.memory.usedBytes -= byteCount }
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
