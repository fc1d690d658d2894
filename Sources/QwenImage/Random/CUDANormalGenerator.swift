import Foundation

/// Normal random numbers as `torch.randn` draws them with `torch.Generator("cuda")`, without a device.
///
/// The integers, their order and the advance of the stream are exact: Philox 4x32-10, a subsequence a thread, blocks of
/// 256 threads, four values a thread and round (`ATen/native/cuda/DistributionTemplates.h`). The transformation is
/// cuRAND's Box-Muller in float32, but the device takes its sine and cosine from an approximation in hardware whose
/// absolute error is up to about 2^-21; here they are exact to the last bit. So values agree to about 1e-6, and in
/// bfloat16 nearly always altogether. Checked against values that others have published; never run on a device.
struct CUDANormalGenerator: Sendable {
    private let seed: UInt64
    private let device: CUDADeviceShape
    /// How far each thread's stream has gone, in values; always a multiple of four.
    private var offset: UInt64 = 0

    /// Values that one round of a thread makes.
    private static let unroll = 4

    /// Starts from a seed, as `manual_seed` does.
    init(seed: UInt64, device: CUDADeviceShape) {
        self.seed = seed
        self.device = device
    }

    /// One call of `torch.randn` for `count` values, in float32.
    mutating func float32(count: Int) -> [Float] {
        guard count > 0 else { return [] }
        let blocks = min((count + CUDADeviceShape.blockSize - 1) / CUDADeviceShape.blockSize, device.blockLimit)
        let threads = blocks * CUDADeviceShape.blockSize
        let rounds = (count - 1) / (threads * Self.unroll) + 1
        var values = [Float](repeating: 0, count: count)
        for round in 0..<rounds {
            let start = round * threads * Self.unroll
            for thread in 0..<min(threads, count - start) {
                let words = Philox4x32.block(counter: counter(thread: thread, round: round), key: seed)
                var place = start + thread
                (values[place], place) = (Self.normal(words.x, words.y, sin), place + threads)
                guard place < count else { continue }
                (values[place], place) = (Self.normal(words.x, words.y, cos), place + threads)
                guard place < count else { continue }
                (values[place], place) = (Self.normal(words.z, words.w, sin), place + threads)
                guard place < count else { continue }
                values[place] = Self.normal(words.z, words.w, cos)
            }
        }
        offset += UInt64(rounds * Self.unroll)
        return values
    }

    /// cuRAND's counter: the stream's position in the low half, the subsequence in the high half.
    private func counter(thread: Int, round: Int) -> SIMD4<UInt32> {
        let position = offset / UInt64(Self.unroll) + UInt64(round)
        return SIMD4(
            UInt32(truncatingIfNeeded: position), UInt32(truncatingIfNeeded: position >> 32),
            UInt32(truncatingIfNeeded: thread), UInt32(truncatingIfNeeded: thread >> 32))
    }

    /// One half of Box-Muller; the sine is the first value of a pair, the cosine the second.
    private static func normal(_ first: UInt32, _ second: UInt32, _ wave: (Double) -> Double) -> Float {
        let toUnit: Float = 0x1p-32
        let toAngle = toUnit * Float(2 * Double.pi)
        let uniform = (toUnit / 2).addingProduct(Float(first), toUnit)
        let angle = (toAngle / 2).addingProduct(Float(second), toAngle)
        let radius = (-2 * Float(log(Double(uniform)))).squareRoot()
        return Float(wave(Double(angle))) * radius + 0
    }
}
