import Synchronization
import TensorCore

/// A backend that computes nothing and remembers which host tensors it was given.
final class RecordingBackend: Backend {
    /// How a tensor came.
    enum Kind: Sendable {
        case weight, parameter, convolutionWeight
    }

    struct Arrival: Sendable, Equatable {
        let kind: Kind
        let shape: Shape
        let dtype: DType
    }

    final class Storage: TensorStorage {
        let byteCount: Int
        let deviceName = "recording"
        init(byteCount: Int) { self.byteCount = byteCount }
    }

    let name = "recording"
    private let failure: TensorError?
    private let log = Mutex<[Arrival]>([])

    /// Fails every transfer with `failure` if one is given.
    init(failure: TensorError? = nil) {
        self.failure = failure
    }

    var arrivals: [Arrival] { log.withLock { $0 } }

    func weight(_ tensor: HostTensor) throws(TensorError) -> Tensor {
        try take(tensor, .weight, tensor.dtype)
    }

    func parameter(_ tensor: HostTensor) throws(TensorError) -> Tensor {
        try take(tensor, .parameter, .float32)
    }

    func convolutionWeight(_ tensor: HostTensor) throws(TensorError) -> Tensor {
        try take(tensor, .convolutionWeight, .float32)
    }

    private func take(_ tensor: HostTensor, _ kind: Kind, _ dtype: DType) throws(TensorError) -> Tensor {
        if let failure { throw failure }
        log.withLock { $0.append(Arrival(kind: kind, shape: tensor.shape, dtype: tensor.dtype)) }
        return try allocate(tensor.shape, dtype)
    }

    func allocate(_ shape: Shape, _ dtype: DType) throws(TensorError) -> Tensor {
        Tensor(storage: Storage(byteCount: shape.elementCount * dtype.byteCount), shape: shape, dtype: dtype)
    }

    func execute(_ operation: Operation) throws(TensorError) {}

    func upload(_ values: [Float], _ shape: Shape) throws(TensorError) -> Tensor {
        try allocate(shape, .float32)
    }

    func download(_ tensor: Tensor) throws(TensorError) -> [Float] {
        Array(repeating: 0, count: tensor.elementCount)
    }

    func rows(_ indices: [Int32], of table: HostTensor) throws(TensorError) -> Tensor {
        try allocate([indices.count, table.shape[1]], .float32)
    }

    let limitBytes: Int? = nil
    func setMemoryPressure(_ relieve: (@Sendable () -> Bool)?) {}

    func stagingMemory(byteCount: Int) throws(TensorError) -> any StagingMemory {
        try Meter().stagingMemory(byteCount: byteCount)
    }

    func releaseUnusedMemory() {}
    var memory: MemoryUse { MemoryUse(usedBytes: 0, peakBytes: 0) }
    func resetPeak() {}
}
