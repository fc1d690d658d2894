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
    // ggml's types, whose elements come in blocks, scales and all: see `DType.block`.
    case q40 = "Q4_0"
    case q41 = "Q4_1"
    case q50 = "Q5_0"
    case q51 = "Q5_1"
    case q80 = "Q8_0"
    case q2K = "Q2_K"
    case q3K = "Q3_K"
    case q4K = "Q4_K"
    case q5K = "Q5_K"
    case q6K = "Q6_K"
    case iq4NL = "IQ4_NL"
    case iq4XS = "IQ4_XS"

    /// Bytes of one element; `int4` and types of blocks have none of their own.
    public var byteCount: Int {
        precondition(self != .int4 && block == nil, "elements of \(rawValue) have no whole bytes")
        return bitCount / 8
    }

    /// Bits of one element; of a type of blocks without its share of the scales.
    public var bitCount: Int {
        switch self {
        case .float64, .int64: 64
        case .float32, .int32: 32
        case .bfloat16, .float16, .int16: 16
        case .float8E4M3, .float8E5M2, .int8, .uint8, .bool: 8
        case .int4, .q40, .q41, .q4K, .iq4NL, .iq4XS: 4
        case .q50, .q51, .q5K: 5
        case .q80: 8
        case .q2K: 2
        case .q3K: 3
        case .q6K: 6
        }
    }

    /// Bytes of a contiguous tensor; rows of `int4` begin at whole bytes, those of types of blocks are whole blocks.
    public func byteCount(of shape: Shape) -> Int {
        if let block { return shape.elementCount / block.elements * block.bytes }
        guard self == .int4 else { return shape.elementCount * byteCount }
        let columns = shape.dimensions.last ?? 1
        return columns == 0 ? 0 : shape.elementCount / columns * byteCount(ofRow: columns)
    }

    /// Bytes of a row's first `elements`; whole blocks of them.
    public func byteCount(ofRow elements: Int) -> Int {
        if let block { return elements / block.elements * block.bytes }
        return self == .int4 ? (elements + 1) / 2 : elements * byteCount
    }

    /// True for the types whose elements are values by themselves, or with what stands in their block, which the engine
    /// accepts as weights.
    public var isWeightType: Bool {
        switch self {
        case .float32, .bfloat16, .float16, .float8E4M3, .float8E5M2: true
        default: block != nil
        }
    }
}
