import TensorCore
import Testing

/// Products of operands that a backend rounds to few bits: values that have no place among those, on every backend.
@Suite struct RoundedProductTests {
    private static let precisions: [WeightPrecision] = [.fp8, .int8, .int4]
    private static let notFinite: [Float] = [.nan, .infinity, -.infinity]
    /// Products of 8 bits want a depth that 16 divides.
    private static let depth = 64
    private static let columns = 3

    private static func matrix(_ values: [Float], columns: Int = columns) -> HostTensor {
        let shape: Shape = [columns, values.count / columns]
        return StoredFloats(values, shape, .float32).tensor
    }

    /// NaN if one is.
    private static func largest(of values: [Float]) -> Float {
        var largest: Float = 0
        for value in values where !(abs(value) <= largest) { largest = abs(value) }
        return largest
    }

    private func product(_ input: [Float], _ weight: Tensor, on backend: any Backend) throws -> [Float] {
        let depth = weight.shape[1]
        let rows = input.count / depth
        let tensor = try backend.upload(input, [rows, depth])
        let output = try backend.linear(tensor, Linear(weight: weight, bias: nil))
        return try backend.download(output)
    }

    /// Up to four rows, which are multiplied as floats, and more, which are rounded to 8 bits where weights are.
    @Test(arguments: precisions, notFinite)
    func aValueThatIsNotFiniteSpoilsItsRowAlone(_ precision: WeightPrecision, _ value: Float) throws {
        var weights = SeededValues.uniform(Self.columns * Self.depth, seed: 1)
        for index in weights.indices { weights[index] += 2 }
        for tested in BackendUnderTest.rounding {
            let backend = tested.make()
            let weight = try backend.blockWeight(Self.matrix(weights), as: WeightForm(precision))
            #expect(weight.dtype == precision.dtype)
            for rows in [2, 6] {
                var input = SeededValues.uniform(rows * Self.depth, seed: 2)
                input[Self.depth + 5] = value
                let found = try product(input, weight, on: backend)
                for (index, result) in found.enumerated() {
                    let isSpoiled = index / Self.columns == 1
                    #expect(result.isFinite != isSpoiled, "result \(index) of \(rows) rows on \(tested)")
                }
            }
        }
    }

    /// Nil where it is refused for its second row.
    private func weight(_ matrix: HostTensor, _ precision: WeightPrecision, on backend: any Backend) throws -> Tensor? {
        do {
            return try backend.blockWeight(matrix, as: WeightForm(precision))
        } catch {
            guard error == .valueNotFinite(row: 1) else { throw error }
            return nil
        }
    }

    /// A weight with such a value is refused, where it is rounded on the host, or spoils all that is made of its row.
    @Test(arguments: precisions, notFinite)
    func aWeightThatIsNotFiniteIsNotHidden(_ precision: WeightPrecision, _ value: Float) throws {
        var weights = SeededValues.uniform(Self.columns * Self.depth, seed: 1)
        weights[Self.depth + 5] = value
        for tested in BackendUnderTest.rounding {
            let backend = tested.make()
            guard let weight = try weight(Self.matrix(weights), precision, on: backend) else { continue }
            for rows in [2, 6] {
                let input = SeededValues.uniform(rows * Self.depth, seed: 2)
                let found = try product(input, weight, on: backend)
                for (index, result) in found.enumerated() {
                    let isSpoiled = index % Self.columns == 1
                    #expect(result.isFinite != isSpoiled, "result \(index) of \(rows) rows on \(tested)")
                }
            }
        }
    }

    /// Of the smallest numbers no scale has an inverse.
    @Test(arguments: precisions)
    func valuesTooSmallForAScaleAreZero(_ precision: WeightPrecision) throws {
        let weights = SeededValues.uniform(Self.columns * Self.depth, seed: 1)
        var tiny = [Float](repeating: 0x1p-127, count: 6 * Self.depth)
        for index in stride(from: 0, to: tiny.count, by: 3) { tiny[index] = -0x1p-128 }
        let ones = [Float](repeating: 1, count: 6 * Self.depth)
        let bound: Float = 1e-30
        for tested in BackendUnderTest.rounding {
            let backend = tested.make()
            let ofInput = try product(
                tiny, try backend.blockWeight(Self.matrix(weights), as: WeightForm(precision)), on: backend)
            #expect(Self.largest(of: ofInput) < bound, "\(tested)")
            let least = Array(tiny.prefix(Self.columns * Self.depth))
            let ofWeight = try product(
                ones, try backend.blockWeight(Self.matrix(least), as: WeightForm(precision)), on: backend)
            #expect(Self.largest(of: ofWeight) < bound, "weights on \(tested)")
        }
    }

    /// Sums of 70,000 times 255 * 127 are beyond 32 bits.
    @Test func longSumsDoNotOverflow() throws {
        let (rows, depth, columns) = (6, 70_000, 16)
        let ones = Self.matrix([Float](repeating: 1, count: columns * depth), columns: columns)
        let (input, expected) = ([Float](repeating: 1, count: rows * depth), Float(depth))
        for tested in BackendUnderTest.rounding {
            let backend = tested.make()
            let found = try product(input, try backend.blockWeight(ones, as: WeightForm(.int8)), on: backend)
            let differences: [Float] = found.map { (value: Float) -> Float in value - expected }
            // A hundredth.
            #expect(Self.largest(of: differences) < 700, "\(tested)")
        }
    }
}
