import CPUBackend
import TensorCore
import Testing

/// Weights that are converted while they are loaded.
@Suite struct ConversionTests {
    private static let forms = WeightPrecision.allCases.flatMap { precision in
        precision.isQuantized
            ? [WeightForm(precision), WeightForm(precision, isRotated: true)] : [WeightForm(precision)]
    }

    /// The values that a backend holds for a matrix.
    private func held(_ tensor: HostTensor, _ form: WeightForm?) throws -> (
        dtype: DType, values: [Float]
    ) {
        let backend = CPUBackend(threads: 2)
        let weight = try backend.blockWeight(tensor, as: form)
        let rows = try backend.gatherRows(weight, (0..<Int32(tensor.shape[0])).map { $0 })
        return (weight.dtype, try backend.download(rows))
    }

    /// Of normal values the rounding to e4m3 leaves about 2.7 %, to int8 of a row's largest value / 254 at most, to
    /// int4 of 64 values each about 9 %.
    private static let bounds: [WeightPrecision: Double] = [
        .float32: 0, .bfloat16: 0x1p-9, .fp8: 0.035, .int8: 0.01, .int4: 0.11,
    ]

    @Test(arguments: forms, [(1, 64), (5, 256), (33, 129), (16, 1040)])
    func staysClose(_ form: WeightForm, _ shape: (Int, Int)) throws {
        // Sums of four uniform values are close enough to normal ones.
        let parts = (0..<4).map { SeededValues.uniform(shape.0 * shape.1, seed: UInt64($0)) }
        let values = parts[0].indices.map { index in parts.reduce(0) { $0 + $1[index] } * 0.02 }
        for dtype in [DType.float32, .bfloat16, .float16] {
            let stored = values.map { StoredFloats.round($0, to: dtype) }
            let tensor = StoredFloats(stored, [shape.0, shape.1], dtype).tensor
            let found = try held(tensor, form)
            #expect(found.dtype == (form.narrows(dtype) ? form.precision.dtype : dtype))
            let error = RelativeError(found.values, stored.map(Double.init)).value
            let bound = try #require(Self.bounds[form.precision])
            // Turning there and back rounds a little.
            #expect(error <= bound + (form.isRotated ? 0x1p-20 : 0), "\(form) from \(dtype): \(error)")
        }
    }

    /// Where most values are numbers of e4m3 the scale is 1: every value then goes to the nearest, half to even.
    @Test func e4m3RoundsToTheNearest() throws {
        let codes = (0..<127).map { StoredMatrix.float8($0, exponentBits: 4, bias: 7) }
        var values: [Float] = []
        for (low, high) in zip(codes, codes.dropFirst()) {
            values += [low, (3 * low + high) / 4, (low + high) / 2, (low + 3 * high) / 4].map(Float.init)
        }
        values += values.map { -$0 } + [448]
        let tested = values.count
        for _ in 0..<50 { values += codes.map(Float.init) }
        let found = try held(
            StoredFloats(values, [1, values.count], .float32).tensor, WeightForm(.fp8)
        ).values
        for (value, rounded) in zip(values, found).prefix(tested) {
            let nearest = codes.indices.min { one, other in
                let (a, b) = (abs(codes[one] - Double(abs(value))), abs(codes[other] - Double(abs(value))))
                return a == b ? one % 2 == 0 && other % 2 == 1 : a < b
            }
            #expect(Double(abs(rounded)) == codes[try #require(nearest)], "\(value) became \(rounded)")
            #expect(rounded.sign == value.sign || rounded == 0)
        }
    }

    /// A matrix that has as few bits already stays as it is, and one of int4 is made of any other.
    @Test func aMatrixIsNeverWidened() throws {
        let matrix = StoredMatrix(dtype: .int8, scaling: .rows, rows: 6, columns: 64, rotation: 16)
        for precision in [WeightPrecision.float32, .bfloat16, .fp8, .int8] {
            #expect(try held(matrix.tensor(), WeightForm(precision)).dtype == .int8)
        }
        let narrow = try held(matrix.tensor(), WeightForm(.int4, isRotated: true))
        #expect(narrow.dtype == .int4 && RelativeError(narrow.values, matrix.values).value < 0.11)
    }

    /// Loading holds what is stored and a row a worker; afterwards what is stored.
    @Test(arguments: forms.filter { $0.precision != .float32 })
    func peakIsWhatIsStored(_ form: WeightForm) throws {
        let shape: Shape = [512, 1024]
        let tensor = StoredFloats([Float](repeating: 0.25, count: shape.elementCount), shape, .float32)
            .tensor
        let backend = CPUBackend(threads: 2)
        let weight = try backend.blockWeight(tensor, as: form)
        let stored = form.byteCount(of: shape, from: .float32)
        #expect(backend.memory.usedBytes >= stored && backend.memory.usedBytes <= stored + 8192)
        #expect(backend.memory.peakBytes <= stored + 2 * 1024 * 4 + 16384)
        #expect(weight.shape == shape)
        // What is mapped costs its scales alone, expanded to a row each.
        let matrix = StoredMatrix(dtype: .int8, scaling: .rows, rows: 512, columns: 1024)
        let mapped = CPUBackend(threads: 2)
        let view = try mapped.weight(matrix.tensor())
        #expect(mapped.memory.peakBytes <= 512 * 4 && view.dtype == .int8)
    }

    @Test(arguments: forms.filter(\.precision.isQuantized), [Float.nan, .infinity, -.infinity])
    func aValueThatIsNoNumberIsNamed(_ form: WeightForm, _ value: Float) throws {
        var values = [Float](repeating: 1, count: 5 * 70)
        values[3 * 70 + 69] = value
        let tensor = StoredFloats(values, [5, 70], .float32).tensor
        #expect(throws: TensorError.valueNotFinite(row: 3)) {
            try CPUBackend().blockWeight(tensor, as: form)
        }
    }

    @Test(arguments: forms.filter(\.precision.isQuantized))
    func zerosAndTheSmallestNumbers(_ form: WeightForm) throws {
        let tiny = Float(0x1p-140)
        let values = [Float](repeating: 0, count: 64) + [Float](repeating: tiny, count: 64)
        let found = try held(StoredFloats(values, [2, 64], .float32).tensor, form).values
        #expect(
            found.prefix(64).allSatisfy { $0 == 0 }
                && found.allSatisfy { $0.isFinite && abs($0) <= 2 * tiny })
    }
}
