import TensorCore
import Testing

/// What LoRAs add to a layer, on every backend and beside every stored form, against the merged matrix in float64.
@Suite struct LowRankTests {
    /// Rows, features in and out, and the ranks of the LoRAs: few rows and many, and parts that end anywhere.
    private static let shapes: [(rows: Int, depth: Int, columns: Int, ranks: [Int])] = [
        (1, 64, 48, [4]), (5, 128, 33, [1, 3]), (70, 64, 40, [8]), (3000, 16, 512, [2]), (33, 256, 64, [16, 5, 4]),
    ]

    private static let forms: [(DType, StoredMatrix.Scaling, rotation: Int?)] = [
        (.float8E4M3, .rows, nil), (.int8, .rows, nil), (.int8, .rows, 16), (.int4, .groups, 16),
    ]

    @Test(arguments: shapes.indices, forms.indices)
    func equalsTheMergedMatrix(_ shapeIndex: Int, _ formIndex: Int) throws {
        let (shape, form) = (Self.shapes[shapeIndex], Self.forms[formIndex])
        // An activation sees the sum, not one part of it.
        let activation = (shapeIndex + formIndex).isMultiple(of: 2) ? Activation.geluTanh : .none
        let matrix = StoredMatrix(
            dtype: form.0, scaling: form.1, rows: shape.columns, columns: shape.depth, rotation: form.rotation)
        let input = SeededValues.uniform(shape.rows * shape.depth, seed: 1)
        let bias = SeededValues.uniform(shape.columns, seed: 2)
        var merged = matrix.values
        let pairs = shape.ranks.enumerated().map { index, rank in
            Pair(rank: rank, shape.depth, shape.columns, seed: UInt64(10 + index))
        }
        for pair in pairs { pair.add(to: &merged) }
        let expected = Self.product(input, merged, bias, depth: shape.depth, activation)
        for tested in BackendUnderTest.all {
            let backend = tested.make()
            let layer = Linear(
                weight: try backend.weight(matrix.tensor()), bias: try backend.upload(bias, [shape.columns]),
                adapters: try pairs.map { try $0.adapter(on: backend) })
            let found = try backend.download(
                backend.linear(
                    backend.upload(input, [shape.rows, shape.depth]), layer, activation: activation))
            let error = RelativeError(found, expected)
            // Two products more, one of the other's sums.
            let bound = 4 * tested.bound(matrix.dtype)
            #expect(
                error.mismatch == nil && error.value <= bound, "\(matrix), \(shape) on \(tested): \(error.value)")
        }
    }

    /// A LoRA of seeded numbers in bfloat16, about as large as the matrices that it is added to.
    private struct Pair {
        let rank: Int
        let depth: Int
        let columns: Int
        let down: [Float]
        let up: [Float]
        let scale: Float

        init(rank: Int, _ depth: Int, _ columns: Int, seed: UInt64) {
            (self.rank, self.depth, self.columns) = (rank, depth, columns)
            down = SeededValues.uniform(rank * depth, seed: seed).map { StoredFloats.round($0, to: .bfloat16) }
            up = SeededValues.uniform(columns * rank, seed: seed + 100).map { StoredFloats.round($0, to: .bfloat16) }
            scale = 0.3 - 0.05 * Float(seed)
        }

        func add(to matrix: inout [Double]) {
            for row in 0..<columns {
                for column in 0..<depth {
                    var sum = 0.0
                    for index in 0..<rank {
                        sum += Double(up[row * rank + index]) * Double(down[index * depth + column])
                    }
                    matrix[row * depth + column] += Double(scale) * sum
                }
            }
        }

        func adapter(on backend: any Backend) throws -> LowRank {
            LowRank(
                down: try backend.weight(StoredFloats(down, [rank, depth], .bfloat16).tensor),
                up: try backend.weight(StoredFloats(up, [columns, rank], .bfloat16).tensor), scale: scale)
        }
    }

    private static func product(
        _ input: [Float], _ weight: [Double], _ bias: [Float], depth: Int, _ activation: Activation
    ) -> [Double] {
        let columns = bias.count
        var output: [Double] = []
        output.reserveCapacity(input.count / depth * columns)
        for row in 0..<input.count / depth {
            for column in 0..<columns {
                var sum = Double(bias[column])
                for index in 0..<depth { sum += Double(input[row * depth + index]) * weight[column * depth + index] }
                output.append(Reference.activate(sum, activation))
            }
        }
        return output
    }
}
