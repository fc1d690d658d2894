import TensorCore

/// One operation with operands of certain shapes, types and options, and the plain reference of it.
///
/// A case names no backend: `OperationCheck` runs it on each.
struct OperationCase: Sendable, CustomStringConvertible {
    /// Where the result goes.
    enum Output: Sendable {
        /// A tensor of its own.
        case new(Shape)
        /// Over this operand: the operation works in place and has no other output.
        case over(Int)
    }

    /// Names the case in failures, and seeds its values.
    let description: String
    let operands: [Operand]
    let output: Output
    /// Operands that the output may share its memory with, by the operation's doc comment.
    var mayOverwrite: [Int] = []
    /// The least root mean square against which an error counts: where a sum of terms of size 1 happens to cancel, the
    /// error of a single element is still one of terms of size 1.
    var magnitude = 0.0
    /// By how much the operation itself magnifies a rounding of its operands; 1 unless the case says why.
    var condition = 1.0
    /// The operation on operands in the order of `operands`.
    let operation: @Sendable (_ operands: [Tensor], _ output: Tensor) -> Operation
    /// The result in double precision from the operands' values.
    let reference: @Sendable (_ operands: [[Float]]) -> [Double]

    /// The operands' values, each seeded by title and place.
    var operandValues: [[Float]] {
        let seed = SeededValues.seed(of: description)
        return operands.enumerated().map { $1.values(seed: seed &+ UInt64($0)) }
    }

    /// The least precise element type among the operands.
    var dtype: DType {
        operands.map(\.dtype).first { $0 != .float32 } ?? .float32
    }
}
