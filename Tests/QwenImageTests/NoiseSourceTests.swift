import Foundation
import QwenImage
import Testing

/// Noise against torch 2.15 on the CPU, bit for bit (`tools/make_random_fixtures.py`).
@Suite struct NoiseSourceTests {
    struct Case: Decodable {
        struct Call: Decodable {
            let count: Int
            let first: [UInt32]
            let last: [UInt32]
            let hash: String
        }
        let seed: String
        let dtype: String
        let calls: [Call]
    }

    /// FNV-1a over the little-endian bytes of all values.
    static func hash(_ bits: [UInt32]) -> UInt64 {
        var value: UInt64 = 0xCBF2_9CE4_8422_2325
        for word in bits {
            for shift in [UInt32(0), 8, 16, 24] {
                value = (value ^ UInt64((word >> shift) & 0xFF)) &* 0x100_0000_01B3
            }
        }
        return value
    }

    @Test func equalsTorchOnTheCPU() throws {
        let file = try #require(
            Bundle.module.url(forResource: "cpu", withExtension: "json", subdirectory: "Fixtures/random"))
        let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: file))
        #expect(cases.count > 150)
        for item in cases {
            var source = NoiseSource(kind: .cpu, seed: try #require(UInt64(item.seed)))
            let dtype: NoiseSource.DType = item.dtype == "float32" ? .float32 : .bfloat16
            for (index, call) in item.calls.enumerated() {
                let bits = source.randn(count: call.count, dtype: dtype).map(\.bitPattern)
                let name: Comment = "seed \(item.seed), \(item.dtype), call \(index) of \(item.calls.map(\.count))"
                #expect(bits.count == call.count, name)
                #expect(Array(bits.prefix(call.first.count)) == call.first, name)
                #expect(Array(bits.suffix(call.last.count)) == call.last, name)
                #expect(String(Self.hash(bits)) == call.hash, name)
            }
        }
    }

    @Test(arguments: GeneratorKind.allCases)
    func copiesAreIndependent(kind: GeneratorKind) {
        var source = NoiseSource(kind: kind, seed: 3)
        _ = source.randn(count: 5, dtype: .float32)
        var copy = source
        let values = source.randn(count: 40, dtype: .float32)
        #expect(copy.randn(count: 40, dtype: .float32) == values)
        #expect(source.randn(count: 40, dtype: .float32) != values)
        #expect(source.randn(count: 0, dtype: .bfloat16).isEmpty)
    }
}

/// Philox and the order of its values against published numbers; there was no device to compare with.
@Suite struct PhiloxTests {
    /// The known answers of Random123 (`examples/kat_vectors`, philox4x32 10).
    @Test(arguments: [
        (
            SIMD4<UInt32>(repeating: 0), UInt64(0),
            SIMD4<UInt32>(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8)
        ),
        (
            SIMD4<UInt32>(repeating: .max), UInt64.max,
            SIMD4<UInt32>(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD)
        ),
        (
            SIMD4<UInt32>(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344), UInt64(0x299F_31D0_A409_3822),
            SIMD4<UInt32>(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1)
        ),
    ])
    func knownAnswers(counter: SIMD4<UInt32>, key: UInt64, expected: SIMD4<UInt32>) {
        #expect(Philox4x32.block(counter: counter, key: key) == expected)
    }

    /// `torch.manual_seed(0); torch.randn(8, 8, device="cuda")` as printed in a published lecture on fused kernels.
    @Test func equalsPublishedDrawOfTorch() {
        let published: [Float] = [
            -0.9247, -0.4253, -2.6438, 0.1452, -0.1209, -0.5797, -0.6229, -0.3284,
            -1.0745, -0.3631, -1.6711, 2.2655, 0.3117, -0.1842, 1.2866, 1.1820,
            -0.1271, 1.2169, 1.4353, 1.0605, -0.4941, -1.4244, -0.7244, -1.2973,
            0.0697, -0.0074, 1.8969, 0.6878, -0.0779, -0.8373, 1.3506, -0.2879,
            -0.5965, -0.3283, -0.9086, -0.8059, -0.7407, -0.0504, 0.5435, 1.5150,
            0.0141, 0.4532, 1.6349, 0.7124, -0.1806, 1.0252, -1.4622, -0.7554,
            -0.1836, 0.3824, 0.3918, -0.0830, 0.8971, -1.1123, 0.1116, 0.4863,
            -0.5499, -0.3231, -0.5469, 0.9049, 0.2837, 0.1210, 0.4730, -1.0823,
        ]
        var source = NoiseSource(kind: .cuda, seed: 0)
        let values = source.randn(count: 64, dtype: .float32)
        for (value, expected) in zip(values, published) {
            #expect(abs(value - expected) <= 0.000_051, "printed to four places")
        }
        var rounded = NoiseSource(kind: .cuda, seed: 0)
        let halves = rounded.randn(count: 64, dtype: .bfloat16)
        for (half, value) in zip(halves, values) {
            #expect(half.bitPattern & 0xFFFF == 0)
            #expect(abs(half - value) <= abs(value) / 256)
        }
    }

    /// The corners of the product of two 512 x 512 draws in float16, one after the other from seed 0, as the tutorial
    /// on matrix multiplication of triton-lang prints them, and others with "NVIDIA A100-SXM4-40GB" beside. 262,144
    /// values are more than an A100 has threads for, so the last rows rest on the second values of the first threads,
    /// and the second draw on the advance of the stream.
    @Test func equalsPublishedProductOfTwoDrawsOnA100() {
        let size = 512
        let published: [(row: Int, values: [Double])] = [
            (0, [-10.9531, -4.7109, 15.6953, -28.4062, 4.3320, -26.4219]),
            (1, [26.8438, 10.0469, -5.4297, -11.2969, -8.5312, 30.7500]),
            (2, [-13.2578, 15.8516, 18.0781, -21.7656, -8.6406, 10.2031]),
            (509, [40.2812, 18.6094, -25.6094, -2.7598, -3.2441, 41.0000]),
            (510, [-6.1211, -16.8281, 4.4844, -21.0312, 24.7031, 15.0234]),
            (511, [-17.0938, -19.0000, -0.3831, 21.5469, -30.2344, -13.2188]),
        ]
        var source = NoiseSource(kind: .cuda, seed: 0, device: .a100)
        let left = source.randn(count: size * size, dtype: .float32)
        let right = source.randn(count: size * size, dtype: .float32)
        for (row, values) in published {
            for (column, expected) in zip([0, 1, 2, 509, 510, 511], values) {
                let product = (0..<size).reduce(0.0) { sum, index in
                    sum + Double(Float16(left[row * size + index])) * Double(Float16(right[index * size + column]))
                }
                // A unit of float16 in the last place: sums differ in their order, sines by the hardware's table.
                #expect(abs(product - expected) <= abs(expected) / 1024, "row \(row), column \(column)")
            }
        }
    }

    @Test func deviceDecidesOnlyLongDraws() {
        let small = CUDADeviceShape(multiprocessorCount: 1, threadsPerMultiprocessor: 512)
        #expect(small.threadLimit == 512)
        #expect(CUDADeviceShape.h100SXM.threadLimit == 270_336)
        func draw(_ count: Int, _ device: CUDADeviceShape) -> [Float] {
            var source = NoiseSource(kind: .cuda, seed: 9, device: device)
            return source.randn(count: count, dtype: .float32)
        }
        #expect(draw(512, small) == draw(512, .h100SXM))
        #expect(draw(513, small) != draw(513, .h100SXM))
        // Three rounds and a part of one: every place is filled.
        #expect(draw(512 * 4 * 3 + 700, small).allSatisfy { $0 != 0 })
        #expect(Array(draw(512 * 9, small).prefix(512)) == draw(512, small))
    }
}
