import TensorCore

/// Matrix products: the row counts stand on both sides of the few-rows
/// path and of panels, depths and columns on both sides of vectors.
enum LinearCases {
    private static let rowCounts = [1, 2, 3, 4, 5, 16, 17, 129, 300]
    private static let depths = [1, 3, 64, 100, 257]
    private static let columnCounts = [1, 2, 5, 15, 16, 33, 200]
    private static let weightTypes: [DType] = [.float32, .bfloat16, .float16]
    private static let activations: [Activation] = [.none, .silu, .geluTanh, .gelu]

    /// Every shape with every weight type; bias and activation take turns, so that each meets each shape class.
    static var all: [OperationCase] {
        var cases: [OperationCase] = []
        for rows in rowCounts {
            for depth in depths {
                for columns in columnCounts {
                    for dtype in weightTypes {
                        let turn = cases.count
                        cases.append(
                            linear(
                                rows, depth, columns, dtype, hasBias: turn % 3 != 0, activations[turn / 3 % 4],
                                byteOffset: turn % 5 == 0 ? 1 : 0))
                    }
                }
            }
        }
        return cases + special
    }

    /// Every activation and bias where the rows end a block; no rows
    /// at all, rows of nothing; enough columns for several panels of a widened weight.
    private static var special: [OperationCase] {
        var cases = activations.flatMap { activation in
            [true, false].map { linear(18, 40, 50, .bfloat16, hasBias: $0, activation, byteOffset: 3) }
        }
        for dtype in weightTypes {
            cases.append(linear(0, 5, 7, dtype, hasBias: true, .none))
            cases.append(linear(2, 0, 7, dtype, hasBias: true, .silu))
            cases.append(linear(18, 0, 33, dtype, hasBias: false, .none))
            cases.append(linear(6, 1100, 260, dtype, hasBias: true, .geluTanh))
            cases.append(linear(1, 1100, 260, dtype, hasBias: true, .silu))
            // More than a block of rows, more than a slice of the depth, in whole units and not.
            cases.append(linear(200, 2100, 20, dtype, hasBias: true, .none))
            cases.append(linear(49, 2051, 17, dtype, hasBias: false, .none))
        }
        return cases
    }

    static func linear(
        _ rows: Int, _ depth: Int, _ columns: Int, _ dtype: DType, hasBias: Bool, _ activation: Activation,
        byteOffset: Int = 0
    ) -> OperationCase {
        let bias = hasBias ? [Operand.parameter([columns])] : []
        return OperationCase(
            description: "linear [\(rows), \(depth)] x [\(columns), \(depth)] \(dtype.rawValue) at byte \(byteOffset)"
                + "\(hasBias ? " + bias" : ""), \(activation)",
            operands: [
                .activation([rows, depth]), Operand(.weight(dtype, byteOffset: byteOffset), [columns, depth]),
            ] + bias,
            output: .new([rows, columns]), magnitude: Double(depth).squareRoot() / 3,
            operation: { operands, output in
                .linear(
                    input: operands[0], weight: operands[1], bias: hasBias ? operands[2] : nil, activation: activation,
                    output: output)
            },
            reference: { values in
                Reference.linear(
                    values[0], values[1], hasBias ? values[2] : nil, depth: depth, columns: columns, activation)
            })
    }
}
