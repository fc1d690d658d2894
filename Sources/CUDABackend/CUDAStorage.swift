import CCUDA
import TensorCore

/// How the elements of a float32 tensor really lie in device memory.
///
/// Large activations are kept in bfloat16 where matrices are multiplied in it: they would be rounded before each
/// product anyway, and moving them is half of the work. Their shapes and offsets stay those of float32 tensors.
enum Elements: Int32, Sendable {
    case float32 = 0
    case bfloat16 = 1
    case float16 = 2

    var byteCount: Int { self == .float32 ? 4 : 2 }

    /// The kind of a weight's element type; nil for types that no arithmetic knows.
    init?(_ dtype: DType) {
        switch dtype {
        case .float32: self = .float32
        case .bfloat16: self = .bfloat16
        case .float16: self = .float16
        default: return nil
        }
    }
}

/// A block of device memory that holds a tensor.
// @unchecked because the address is fixed and the rest changes only on the thread that owns the backend, or when the
// last reference is gone.
class CUDAStorage: TensorStorage, @unchecked Sendable {
    let address: MicaDeviceAddress
    /// Bytes as the tensor's shape and type count them.
    let byteCount: Int
    /// As what the bytes are read; nil while nothing was written. Meaningless for tensors that are not float32.
    var elements: Elements?
    /// The copy that fills the block; nil once arithmetic has waited for it.
    var arrival: DeviceEvent?
    /// The same values in bfloat16, made at first need; kept for biases.
    var rounded: CUDAStorage?
    /// Its rows in 8 bits, until something is written here.
    var rounding: RoundedInput?
    private let writer: DevicePool.Writer
    private let pool: DevicePool

    var deviceName: String { pool.device.name }

    /// Takes memory from a pool, which gets it back at the end.
    init(
        _ byteCount: Int, pool: DevicePool, operation: String, writer: DevicePool.Writer = .arithmetic,
        elements: Elements? = nil
    ) throws(TensorError) {
        address = try pool.allocate(byteCount, operation: operation, writer: writer)
        self.byteCount = byteCount
        self.elements = elements
        self.pool = pool
        self.writer = writer
    }

    deinit {
        // The block may go to anyone next: a copy that nobody waited for must not write into it then.
        if let arrival, (try? pool.device.enter()) != nil { try? arrival.hold(pool.device.compute) }
        pool.recycle(address, byteCount: byteCount, writer: writer)
    }
}

extension Tensor {
    /// The tensor's memory; it must be one of the CUDA backend's.
    var cuda: CUDAStorage {
        guard let storage = storage as? CUDAStorage else {
            preconditionFailure("a tensor of another device reached the CUDA backend")
        }
        return storage
    }

    /// How the elements lie: by the storage for float32, else by the type.
    var elements: Elements {
        guard dtype != .float32 else { return cuda.elements ?? .float32 }
        guard let elements = Elements(dtype) else { preconditionFailure("\(dtype) is no element of an operation") }
        return elements
    }

    /// True if the tensor is all of its storage.
    var isWhole: Bool { offset == 0 && byteCount == storage.byteCount }
}

/// A run of elements as a kernel takes it.
struct View {
    /// Address of the first element; 0 stands for an operand that is left out.
    let address: MicaDeviceAddress
    let elements: Elements

    static let none = View(address: 0, elements: .float32)

    /// True if vectors of eight elements that start at a multiple of eight may be moved at once.
    var isAligned: Bool { address % 16 == 0 }
}
