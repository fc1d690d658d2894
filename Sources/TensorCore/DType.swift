/// The element types that tensors and checkpoints hold.
///
/// Raw values are this project's spelling (NumPy's and PyTorch's names), used in options, logs and JSON.
public enum DType: String, Sendable, Hashable, CaseIterable {
    case float32
    case bfloat16
    case float16
    case float64
    case float8E4M3 = "float8_e4m3fn"
    case float8E5M2 = "float8_e5m2"
    case int8
    case uint8
    case int16
    case int32
    case int64
    case bool

    /// Bytes of one element.
    public var byteCount: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .bfloat16, .float16, .int16: 2
        case .float8E4M3, .float8E5M2, .int8, .uint8, .bool: 1
        }
    }

    /// True for the types that the engine accepts as weights today.
    public var isWeightType: Bool {
        self == .float32 || self == .bfloat16 || self == .float16
    }
}
