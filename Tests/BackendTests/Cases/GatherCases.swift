import TensorCore

/// Rows of tables in every weight type, repeated and out of order, none, and enough of them for several threads.
enum GatherCases {
    static var all: [OperationCase] {
        [DType.float32, .bfloat16, .float16].flatMap { dtype in
            [
                gather([9, 33], [8, 0, 3, 3, 1], dtype),
                gather([9, 33], [8, 0, 3, 3, 1], dtype, byteOffset: 1),
                gather([1, 1], [0], dtype),
                gather([5, 7], [], dtype),
                gather([5, 0], [2, 3], dtype),
                gather([300, 257], (0..<700).map { Int32($0 * 37 % 300) }, dtype),
            ]
        }
    }

    private static func gather(
        _ table: Shape, _ indices: [Int32], _ dtype: DType, byteOffset: Int = 0
    ) -> OperationCase {
        OperationCase(
            description: "gather \(indices.count) rows of \(table) \(dtype.rawValue) at byte \(byteOffset)",
            operands: [Operand(.weight(dtype, byteOffset: byteOffset), table)],
            output: .new([indices.count, table[1]]),
            operation: { .gatherRows(table: $0[0], indices: indices, output: $1) },
            reference: { Reference.gatherRows($0[0], indices, columns: table[1]) })
    }
}
