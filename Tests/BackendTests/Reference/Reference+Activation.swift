import Glibc
import TensorCore

extension Reference {
    /// The activation of one value.
    static func activate(_ x: Double, _ activation: Activation) -> Double {
        switch activation {
        case .none: x
        case .silu: x / (1 + exp(-x))
        // x/2 (1 + tanh u) is x / (1 + exp(-2u)); this form keeps its digits where tanh is nearly -1.
        case .geluTanh: x / (1 + exp(-2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        case .gelu: 0.5 * x * erfc(-x / 2.0.squareRoot())
        }
    }

    /// The activation of each value.
    static func activate(_ input: [Float], _ activation: Activation) -> [Double] {
        input.map { activate(Double($0), activation) }
    }

    /// `silu(gate) * up`.
    static func siluGate(_ gate: [Float], _ up: [Float]) -> [Double] {
        zip(gate, up).map { activate(Double($0), .silu) * Double($1) }
    }
}
