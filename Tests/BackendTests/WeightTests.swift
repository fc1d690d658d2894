import TensorCore
import Testing

/// How checkpoint tensors come to a backend: every bit pattern, any alignment, unknown types.
struct WeightTests {
    /// All 65,536 values of each 16-bit type are widened as Swift's own conversions do it; NaN stays NaN.
    @Test(arguments: BackendUnderTest.all, [DType.bfloat16, .float16])
    func widensEveryValue(_ tested: BackendUnderTest, _ dtype: DType) throws {
        let backend = tested.make()
        let patterns = Array(UInt16.min...UInt16.max)
        let stored = StoredFloats(patterns: patterns, dtype)
        let widened = try backend.download(backend.parameter(stored.tensor))
        for (pattern, value) in zip(patterns, widened) {
            let expected =
                dtype == .float16
                ? Float(Float16(bitPattern: pattern)) : Float(bitPattern: UInt32(pattern) << 16)
            #expect(value.bitPattern == expected.bitPattern || (value.isNaN && expected.isNaN), "\(pattern)")
        }
    }

    /// A file may place a tensor at any byte.
    @Test(arguments: BackendUnderTest.all, [0, 1, 2, 3, 5])
    func takesAnyAlignment(_ tested: BackendUnderTest, _ byteOffset: Int) throws {
        let backend = tested.make()
        for dtype in [DType.float32, .bfloat16, .float16] {
            let values = SeededValues.uniform(33, seed: 1).map { StoredFloats.round($0, to: dtype) }
            let stored = StoredFloats(values, [33], dtype, byteOffset: byteOffset)
            #expect(try backend.download(backend.parameter(stored.tensor)) == values)
            let kernel = StoredFloats(values, [1, 33, 1, 1], dtype, byteOffset: byteOffset)
            let layer = Convolution(
                weight: try backend.convolutionWeight(kernel.tensor), bias: try backend.upload([0], [1]))
            let unit = try backend.upload([Float](repeating: 1, count: 33), [1, 1, 33])
            let sum = try backend.download(backend.convolution(unit, layer, .same(kernel: 1)))
            // An operand of 16 bits is off by 2^-9 of values below 1.
            #expect(abs(sum[0] - values.reduce(0, +)) < (tested.convolvesExactly ? 1e-5 : 33 * 0x1p-9))
        }
    }

    /// Types that no arithmetic knows are refused by name, on the
    /// meter as on a device: a forecast must fail where the run would.
    @Test(arguments: [DType.int8, .float64, .uint8, .int64, .bool])
    func refusesOtherTypes(_ dtype: DType) throws {
        let memory = StoredFloats([Float](repeating: 0, count: 8), [8], .float32)
        let tensor = HostTensor(memory: memory, byteOffset: 0, shape: [2, 2, 1, 1], dtype: dtype)
        for backend in BackendUnderTest.all.map({ $0.make() }) + [Meter()] {
            let expected = TensorError.unsupportedDType(operation: "a weight", dtype: dtype)
            #expect(throws: expected, "\(backend.name)") { try backend.weight(tensor) }
            #expect(throws: expected, "\(backend.name)") { try backend.parameter(tensor) }
            #expect(throws: expected, "\(backend.name)") { try backend.convolutionWeight(tensor) }
        }
    }
}
