import CPUBackend
import TensorCore
import Testing

/// Every form in which weights are stored, in every operation that takes one, against plain loops.
@Suite struct StoredFormTests {
    /// Rows of the input, depth, columns of the output: few rows go another way than many, panels end anywhere.
    private static let shapes = [
        (1, 1, 1), (1, 129, 33), (3, 17, 5), (4, 64, 70), (5, 63, 16), (7, 200, 50), (17, 65, 130),
        (64, 256, 48),
        (130, 72, 31), (9, 2048, 40),
    ]

    static let matrices: [StoredMatrix] = [
        (.float8E4M3, .none), (.float8E4M3, .whole), (.float8E4M3, .rows), (.float8E5M2, .none),
        (.float8E5M2, .rows),
        (.int8, .whole), (.int8, .rows), (.int4, .groups),
    ].flatMap { (dtype: DType, scaling: StoredMatrix.Scaling) in
        shapes.map { StoredMatrix(dtype: dtype, scaling: scaling, rows: $0.2, columns: $0.1) }
    }

    /// Rows of one block and of several, over more than a slice of the depth too.
    static let blocks: [StoredMatrix] = DType.blockTypes.flatMap { dtype in
        let elements = dtype.block?.elements ?? 1
        // The last two have a block's own depths of the full-size model, 3072 and 12288, where blocks are of 256.
        return [(1, 1), (3, 33), (1, 130), (12, 40), (48, 19)].map { (count: Int, rows: Int) in
            StoredMatrix(dtype: dtype, scaling: .none, rows: rows, columns: count * elements)
        }
    }

    static let rotated: [StoredMatrix] = [(4, 12, 7), (16, 48, 33), (64, 192, 20), (256, 512, 19)]
        .flatMap {
            (size: Int, columns: Int, rows: Int) in
            [DType.int8, .int4, .float8E4M3].map { dtype in
                StoredMatrix(
                    dtype: dtype, scaling: dtype == .int4 ? .groups : .rows, rows: rows, columns: columns,
                    rotation: size)
            }
        }

    private func inputRows(_ matrix: StoredMatrix) -> [Int] {
        let known = Self.shapes.first { $0.2 == matrix.rows && $0.1 == matrix.columns }
        return known.map { [$0.0] } ?? [1, 4, 21]
    }

    @Test(arguments: matrices + rotated + blocks)
    func multiply(_ matrix: StoredMatrix) throws {
        let stored = matrix.tensor()
        let values = matrix.values
        for rows in inputRows(matrix) {
            let input = SeededValues.uniform(rows * matrix.columns, seed: UInt64(rows))
            let bias = SeededValues.uniform(matrix.rows, seed: 3)
            var expected: [Double] = []
            var magnitude = 0.0
            for row in 0..<rows {
                for column in 0..<matrix.rows {
                    var (sum, squares) = (0.0, 0.0)
                    for index in 0..<matrix.columns {
                        let term =
                            Double(input[row * matrix.columns + index]) * values[column * matrix.columns + index]
                        sum += term
                        squares += term * term
                    }
                    expected.append(sum + Double(bias[column]))
                    magnitude += squares
                }
            }
            magnitude = (magnitude / Double(max(expected.count, 1))).squareRoot()
            for tested in BackendUnderTest.all + BackendUnderTest.int8CPUs + CUDAUnderTest.eightBits {
                let backend = tested.make()
                let layer = Linear(
                    weight: try backend.weight(stored), bias: try backend.upload(bias, [matrix.rows]))
                let found = try backend.download(
                    backend.linear(backend.upload(input, [rows, matrix.columns]), layer))
                let error = RelativeError(found, expected, magnitude: magnitude)
                // A rotation sums up to 256 terms more before the product does.
                let bound =
                    tested.bound(matrix.dtype, terms: matrix.columns) * (matrix.rotation == nil ? 1 : 4)
                #expect(
                    error.mismatch == nil && error.value <= bound,
                    "\(matrix), \(rows) rows on \(tested): \(error.value)")
            }
        }
    }

    @Test(arguments: matrices + rotated + blocks)
    func gatherRows(_ matrix: StoredMatrix) throws {
        let indices = [Int32(matrix.rows - 1), 0, Int32(matrix.rows / 2)]
        let values = matrix.values
        let expected = indices.flatMap { index in
            values[(Int(index) * matrix.columns)..<((Int(index) + 1) * matrix.columns)]
        }
        for tested in BackendUnderTest.cpus + CUDAUnderTest.all.filter(\.convolvesExactly) {
            let backend = tested.make()
            let found = try backend.download(
                try backend.gatherRows(try backend.weight(matrix.tensor()), indices))
            let error = RelativeError(found, expected)
            #expect(
                error.mismatch == nil && error.value <= 0x1p-21, "\(matrix) on \(tested): \(error.value)")
        }
    }

    /// A part of a fused projection: rows of a stored matrix, brought whole or cut before.
    @Test(arguments: (matrices + blocks).filter { $0.rows > 20 })
    func viewsOfRows(_ matrix: StoredMatrix) throws {
        let range = 7..<19
        let stored = matrix.tensor()
        for rows in [2, 30] {
            let input = SeededValues.uniform(rows * matrix.columns, seed: 5)
            let backend = CPUBackend(threads: 2)
            let x = try backend.upload(input, [rows, matrix.columns])
            func product(_ weight: Tensor) throws -> [Float] {
                try backend.download(try backend.linear(x, Linear(weight: weight, bias: nil)))
            }
            let whole = try product(try backend.weight(stored))
            let expected = (0..<rows).flatMap { row in range.map { Double(whole[row * matrix.rows + $0]) }
            }
            for weight in [
                try backend.weight(stored).rows(range), try backend.weight(stored.rows(range)),
            ] {
                #expect(RelativeError(try product(weight), expected).value <= 0x1p-20, "\(matrix)")
            }
        }
    }

    @Test func vectorsOfEightBitFloats() throws {
        let codes = (0...255).map { UInt8($0) }.filter { $0 & 0x7f != 0x7f }
        for (dtype, bits, bias) in [(DType.float8E4M3, 4, 7), (.float8E5M2, 5, 15)] {
            let usable = codes.filter { dtype == .float8E4M3 || $0 & 0x7f < 0x7c }
            let stored = HostTensor(
                memory: StoredBytes([0] + usable), byteOffset: 1, shape: [usable.count], dtype: dtype)
            let backend = CPUBackend()
            let found = try backend.download(try backend.parameter(stored))
            #expect(
                found.map(Double.init)
                    == usable.map { StoredMatrix.float8($0, exponentBits: bits, bias: bias) })
        }
        let nans = HostTensor(
            memory: StoredBytes([0x7f, 0xff]), byteOffset: 0, shape: [2], dtype: .float8E4M3)
        let backend = CPUBackend()
        #expect(try backend.download(try backend.parameter(nans)).allSatisfy { $0.isNaN })
    }

    @Test(arguments: [StoredMatrix.Scaling.whole, .rows, .groups], [Float.nan, .infinity])
    func aScaleThatIsNoNumberIsNamed(_ scaling: StoredMatrix.Scaling, _ value: Float) throws {
        let matrix = StoredMatrix(
            dtype: scaling == .groups ? .int4 : .int8, scaling: scaling, rows: 9, columns: 130)
        let index = scaling == .whole ? 0 : 7
        #expect(throws: TensorError.scaleNotFinite(index: index)) {
            try CPUBackend().weight(matrix.tensor(scale: (index, value)))
        }
    }
}
