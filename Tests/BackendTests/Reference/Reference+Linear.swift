import TensorCore

extension Reference {
    /// `activation(input · weightᵀ + bias)`: input [rows, depth], weight [columns, depth].
    static func linear(
        _ input: [Float], _ weight: [Float], _ bias: [Float]?, depth: Int, columns: Int, _ activation: Activation
    ) -> [Double] {
        let x = input.map(Double.init)
        let w = weight.map(Double.init)
        let rows = depth == 0 ? 0 : x.count / depth
        var output: [Double] = []
        output.reserveCapacity(rows * columns)
        for row in 0..<rows {
            for column in 0..<columns {
                var sum = 0.0
                for index in 0..<depth { sum += x[row * depth + index] * w[column * depth + index] }
                output.append(activate(sum + (bias.map { Double($0[column]) } ?? 0), activation))
            }
        }
        return output
    }

    /// The rows `indices` of a table of `columns`.
    static func gatherRows(_ table: [Float], _ indices: [Int32], columns: Int) -> [Double] {
        indices.flatMap { index in (0..<columns).map { Double(table[Int(index) * columns + $0]) } }
    }
}
