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
    /// Two to a byte, in the layout of `Quantization`; only matrices of weights have it.
    case int4
    case uint8
    case int16
    case int32
    case int64
    case bool

    /// Bytes of one element; `int4` has none of its own.
    public var byteCount: Int {
        precondition(self != .int4, "elements of 4 bits have no whole bytes")
        return bitCount / 8
    }

    /// Bits of one element.
    public var bitCount: Int {
        switch self {
        case .float64, .int64: 64
        case .float32, .int32: 32
        case .bfloat16, .float16, .int16: 16
        case .float8E4M3, .float8E5M2, .int8, .uint8, .bool: 8
        case .int4: 4
        }
    }

    /// Bytes of a contiguous tensor; rows of `int4` begin at whole bytes.
    public func byteCount(of shape: Shape) -> Int {
        guard self == .int4 else { return shape.elementCount * byteCount }
        let columns = shape.dimensions.last ?? 1
        return columns == 0 ? 0 : shape.elementCount / columns * ((columns + 1) / 2)
    }

    /// True for the types whose elements are values by themselves, which the engine accepts as weights.
    public var isWeightType: Bool {
        switch self {
        case .float32, .bfloat16, .float16, .float8E4M3, .float8E5M2: true
        default: false
        }
    }
}
