import CUDABackend
import TensorCore
import Testing

/// Products of 8 bits: inputs that several matrices are multiplied with are rounded once.
@Suite(.serialized, .enabled(if: TestDevice.emulatedLaunches != nil, "no emulated device"))
struct EightBitTests {
    private static let side = 64

    /// Query, key and value take one rounding, also with something written elsewhere between them; a change of the
    /// input, or other rows of it, takes another. The values are those of inputs that nobody used before.
    @Test(arguments: [WeightPrecision.fp8, .int8], [false, true])
    func inputsAreRoundedOnce(_ precision: WeightPrecision, _ isRotated: Bool) throws {
        let launches = try #require(TestDevice.emulatedLaunches)
        let backend = try TestDevice.backend { $0.weightForm = WeightForm(precision, isRotated: isRotated) }
        let layers = try (1...3).map { seed in
            let values = FloatMemory(Pseudo.values(Self.side * Self.side, seed: UInt32(seed)))
            return Linear(weight: try backend.blockWeight(values.tensor([Self.side, Self.side])), bias: nil)
        }
        let kernel = precision == .int8 ? "round_int8" : "round_e4m3"
        let (values, change) = (Pseudo.values(2 * Self.side * Self.side, seed: 9), Pseudo.values(Self.side, seed: 5))
        let input = try backend.upload(values, [2 * Self.side, Self.side])
        let gate = try backend.upload(change, [Self.side])
        let head = input.rows(0..<Self.side)
        func products(_ input: Tensor) throws -> [[Float]] {
            try layers.map { layer in
                let product = try backend.linear(input, layer)
                try backend.headNormRotary(product, headSize: 16, rotary: nil)
                try backend.accumulate(product, product)
                return try backend.download(product)
            }
        }
        func count(_ body: () throws -> Void) rethrows -> Int32 {
            let before = launches(kernel)
            try body()
            return launches(kernel) - before
        }
        var found: [[Float]] = []
        #expect(try count { found += try products(head) } == 1)
        #expect(try count { found += try products(input.rows(1..<(Self.side + 1))) } == 1)
        #expect(try count { try backend.accumulate(input, input, gate: gate) } == 0)
        #expect(try count { found += try products(head) } == 1)
        // Each alone, on a tensor of its own.
        let changed = try backend.download(input)
        let parts = [
            values.prefix(Self.side * Self.side), values.dropFirst(Self.side).prefix(Self.side * Self.side),
            changed.prefix(Self.side * Self.side),
        ]
        let expected = try parts.flatMap { part in
            try layers.map { layer in
                let product = try backend.linear(
                    try backend.upload(Array(part), [Self.side, Self.side]), layer)
                try backend.accumulate(product, product)
                return try backend.download(product)
            }
        }
        for (index, pair) in zip(found, expected).enumerated() {
            let isSame = pair.0 == pair.1
            #expect(isSame, "product \(index)")
        }
    }
}
