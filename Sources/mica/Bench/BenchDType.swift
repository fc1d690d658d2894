import ArgumentParser
import TensorCore

/// The type under test: what blocks' matrices are held in.
enum BenchDType: String, CaseIterable, ExpressibleByArgument {
    case f32
    case bf16
    case fp8
    case int8
    case int4

    /// How the weights lie in memory; quantised ones are made by the backend from bfloat16.
    var weights: DType { self == .f32 ? .float32 : .bfloat16 }

    /// In what the backend holds blocks' matrices.
    var precision: WeightPrecision {
        switch self {
        case .f32: .float32
        case .bf16: .bfloat16
        case .fp8: .fp8
        case .int8: .int8
        case .int4: .int4
        }
    }
}
