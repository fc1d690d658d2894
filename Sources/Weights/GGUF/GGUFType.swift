import TensorCore

extension DType {
    /// The type that GGUF numbers so; nil if the engine has none for it (ggml, `enum ggml_type`).
    init?(ggufCode code: UInt32) {
        guard let dtype = Self.ggufCodes[code] else { return nil }
        self = dtype
    }

    private static let ggufCodes: [UInt32: DType] = [
        0: .float32, 1: .float16, 2: .q40, 3: .q41, 6: .q50, 7: .q51, 8: .q80, 10: .q2K, 11: .q3K, 12: .q4K,
        13: .q5K, 14: .q6K, 20: .iq4NL, 23: .iq4XS, 24: .int8, 25: .int16, 26: .int32, 27: .int64, 28: .float64,
        30: .bfloat16,
    ]
}

/// What ggml calls its types, for messages about those that are not read.
enum GGUFTypeName {
    /// The name, or the number of a type that came later.
    static func of(_ code: UInt32) -> String {
        names[code] ?? "number \(code)"
    }

    private static let names: [UInt32: String] = [
        9: "Q8_1", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 21: "IQ3_S", 22: "IQ2_S",
        29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4",
    ]
}
