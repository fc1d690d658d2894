import TensorCore

extension DType {
    /// The type that a safetensors header calls `name`; nil if the engine has none for it (safetensors, `tensor.rs`,
    /// `Dtype`).
    init?(safetensorsName name: String) {
        guard
            let dtype = DType.allCases.first(where: {
                $0 != .int4 && $0.block == nil && $0.safetensorsName == name
            })
        else { return nil }
        self = dtype
    }

    /// How a safetensors header spells the type.
    var safetensorsName: String {
        switch self {
        case .float32: "F32"
        case .bfloat16: "BF16"
        case .float16: "F16"
        case .float64: "F64"
        case .float8E4M3: "F8_E4M3"
        case .float8E5M2: "F8_E5M2"
        case .int8: "I8"
        // Two elements are one byte of the file.
        case .int4, .uint8: "U8"
        case .int16: "I16"
        case .int32: "I32"
        case .int64: "I64"
        case .bool: "BOOL"
        default: preconditionFailure("safetensors has no \(rawValue)")
        }
    }
}
