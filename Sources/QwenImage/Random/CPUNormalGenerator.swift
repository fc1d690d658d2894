import Foundation

/// Normal random numbers as `torch.randn` draws them with `torch.Generator("cpu")`.
///
/// Equal bit for bit to torch 2.15 on x86-64 with AVX2 (its AVX-512 machines run the same kernel); with
/// `ATEN_CPU_CAPABILITY=default` torch takes other logarithms and sines and differs in last bits. bfloat16 is drawn in
/// float32 and rounded, as torch does since `NormalFill16` of `ATen/native/cpu/DistributionTemplates.h`; older releases
/// computed in bfloat16 itself.
struct CPUNormalGenerator: Sendable {
    private var engine: MersenneTwister
    /// The second half of the last pair that the path for few values drew. Longer draws neither use nor drop it.
    private var nextNormal: Double?

    /// Values that are transformed together; fewer are drawn one by one in float64.
    private static let blockSize = 16

    /// Starts from a seed, as `manual_seed` does.
    init(seed: UInt64) {
        engine = MersenneTwister(seed: seed)
    }

    /// One call of `torch.randn` for `count` float32 values.
    mutating func float32(count: Int) -> [Float] {
        guard count >= Self.blockSize else { return (0..<count).map { _ in Float(normal()) } }
        var values = [Float](repeating: 0, count: count)
        for index in 0..<count { values[index] = uniform() }
        for start in stride(from: 0, through: count - Self.blockSize, by: Self.blockSize) {
            Self.transform(&values, from: start)
        }
        if count % Self.blockSize != 0 { redrawLastBlock(of: &values) }
        return values
    }

    /// One call of `torch.randn` for `count` bfloat16 values, given as the floats they are.
    ///
    /// The uniforms are drawn block by block here: a length that is no multiple of 16 takes fewer of them than in
    /// float32, so that the values of the last block and of the next call differ from float32's, not just in rounding.
    mutating func bfloat16(count: Int) -> [Float] {
        guard count >= Self.blockSize else { return (0..<count).map { _ in Float(normal()).roundedToBFloat16 } }
        var values = [Float](repeating: 0, count: count)
        for start in stride(from: 0, through: count - Self.blockSize, by: Self.blockSize) {
            for index in start..<start + Self.blockSize { values[index] = uniform() }
            Self.transform(&values, from: start)
        }
        if count % Self.blockSize != 0 { redrawLastBlock(of: &values) }
        for index in values.indices { values[index] = values[index].roundedToBFloat16 }
        return values
    }

    private mutating func redrawLastBlock(of values: inout [Float]) {
        let start = values.count - Self.blockSize
        for index in start..<values.count { values[index] = uniform() }
        Self.transform(&values, from: start)
    }

    /// Turns the 16 uniforms from `start` on into normals, in place.
    private static func transform(_ values: inout [Float], from start: Int) {
        let half = blockSize / 2
        for index in start..<start + half {
            (values[index], values[index + half]) = BoxMullerBlock.normals(values[index], values[index + half])
        }
    }

    /// A uniform of [0, 1) with 24 bits.
    private mutating func uniform() -> Float {
        Float(engine.next() & 0xFF_FFFF) * 0x1p-24
    }

    /// A uniform of [0, 1) with 53 bits.
    private mutating func uniform64() -> Double {
        Double(engine.next64() & 0x1F_FFFF_FFFF_FFFF) * 0x1p-53
    }

    /// A normal in float64; draws come in pairs. Source: `normal_distribution` in `ATen/core/DistributionsHelper.h`.
    private mutating func normal() -> Double {
        if let value = nextNormal {
            nextNormal = nil
            return value + 0
        }
        let angle = 2 * Double.pi * uniform64()
        let radius = (-2 * log1p(-uniform64())).squareRoot()
        nextNormal = radius * sin(angle)
        return radius * cos(angle) + 0
    }
}
