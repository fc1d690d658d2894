import CUDABackend
import TensorCore
import Testing

/// Products of 8 bits: inputs that several matrices are multiplied with are rounded once.
@Suite(.serialized, .enabled(if: TestDevice.emulatedLaunches != nil, "no emulated device"))
struct EightBitTests {
    private static let side = 64

    /// A matrix of 8-bit floats without scales is widened by as many blocks of threads as its rows want.
    @Test func rowsAreWidenedBesideEachOther() throws {
        let blocks = try #require(TestDevice.emulatedBlocks)
        let backend = try TestDevice.backend()
        let ones = ByteMemory(value: 0x38, count: Self.side * Self.side)
        let before = blocks("dequantize")
        let weight = try backend.weight(
            HostTensor(memory: ones, byteOffset: 0, shape: [Self.side, Self.side], dtype: .float8E4M3))
        // Eight rows of a warp each share a block.
        #expect(blocks("dequantize") - before == Int32(Self.side / 8))
        let values = try backend.download(backend.gatherRows(weight, [0, Int32(Self.side - 1)]))
        let isRight = values.allSatisfy { $0 == 1 }
        #expect(isRight)
    }

    /// Where cuBLASLt has no product of bytes, inputs are rounded for it once, and not again for each that comes.
    @Test func nothingIsRoundedForProductsThatAreRefused() throws {
        let (launches, refuse) = (try #require(TestDevice.emulatedLaunches), try #require(TestDevice.refuseProducts))
        let backend = try TestDevice.backend()
        let values = FloatMemory(Pseudo.values(Self.side * Self.side, seed: 1))
        let layer = Linear(
            weight: try backend.blockWeight(values.tensor([Self.side, Self.side]), as: WeightForm(.int8)), bias: nil)
        refuse(2)
        defer { refuse(0) }
        let before = launches("round_int8")
        for seed in 2...4 as ClosedRange<UInt32> {
            let input = try backend.upload(Pseudo.values(Self.side * Self.side, seed: seed), [Self.side, Self.side])
            _ = try backend.linear(input, layer)
        }
        #expect(launches("round_int8") - before == 1)
    }

    /// Query, key and value take one rounding, also with something written elsewhere between them; a change of the
    /// input, or other rows of it, takes another. The values are those of inputs that nobody used before.
    @Test(arguments: [WeightPrecision.fp8, .int8], [false, true])
    func inputsAreRoundedOnce(_ precision: WeightPrecision, _ isRotated: Bool) throws {
        let launches = try #require(TestDevice.emulatedLaunches)
        let backend = try TestDevice.backend()
        let layers = try (1...3).map { seed in
            let values = FloatMemory(Pseudo.values(Self.side * Self.side, seed: UInt32(seed)))
            let matrix = values.tensor([Self.side, Self.side])
            return Linear(
                weight: try backend.blockWeight(matrix, as: WeightForm(precision, isRotated: isRotated)), bias: nil)
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

/// The same byte again and again.
private final class ByteMemory: HostMemory {
    private let bytes: [UInt8]

    init(value: UInt8, count: Int) {
        bytes = [UInt8](repeating: value, count: count)
    }

    var byteCount: Int { bytes.count }

    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var result: Swift.Result<Result, Failure>?
        bytes.withUnsafeBytes { bytes in
            do throws(Failure) { result = .success(try body(bytes)) } catch { result = .failure(error) }
        }
        guard let result else { preconditionFailure("no bytes") }
        return try result.get()
    }
}
