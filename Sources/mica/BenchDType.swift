import ArgumentParser
import CPUBackend
import TensorCore

/// The type under test: of the weights, and of the operands of matrix products.
enum BenchDType: String, CaseIterable, ExpressibleByArgument {
    case f32
    case bf16
    case int8

    /// How the weights lie in memory; 8-bit weights are made by the backend from bfloat16.
    var weights: DType { self == .f32 ? .float32 : .bfloat16 }

    /// In what the backend multiplies; nil if it cannot.
    var precision: ComputePrecision? {
        switch self {
        case .f32: .float32
        case .bf16: .bfloat16
        case .int8: ComputePrecision(rawValue: "int8")
        }
    }
}
