/// The noise that a seeded torch generator gives, call by call.
public struct NoiseSource: Sendable {
    /// The element types that torch may be asked for.
    public enum DType: String, Sendable, CaseIterable {
        /// IEEE binary32.
        case float32
        /// The upper half of binary32.
        case bfloat16
    }

    private enum Generator: Sendable {
        case cpu(CPUNormalGenerator)
        case cuda(CUDANormalGenerator)
    }

    private var generator: Generator

    /// The most values of one call: beyond it, torch splits a launch on a CUDA device, which is not followed here.
    public static let countLimit = (1 << 29) - 1

    /// Starts from a seed, as `torch.Generator(kind).manual_seed(seed)` does; a negative seed of torch's is given as
    /// `UInt64(bitPattern:)`. `device` matters to `.cuda` alone.
    public init(kind: GeneratorKind, seed: UInt64, device: CUDADeviceShape = .h100SXM) {
        switch kind {
        case .cpu: generator = .cpu(CPUNormalGenerator(seed: seed))
        case .cuda: generator = .cuda(CUDANormalGenerator(seed: seed, device: device))
        }
    }

    /// One call of `torch.randn(shape, generator:, dtype:)` whose shape has `count` elements, in row-major order.
    ///
    /// bfloat16 values are given as the floats they are. A later call goes on where this one ended. `count` is from 0
    /// to `countLimit`.
    public mutating func randn(count: Int, dtype: DType) -> [Float] {
        precondition((0...Self.countLimit).contains(count), "count is 0 to \(Self.countLimit)")
        switch generator {
        case .cpu(var cpu):
            let values = dtype == .float32 ? cpu.float32(count: count) : cpu.bfloat16(count: count)
            generator = .cpu(cpu)
            return values
        case .cuda(var cuda):
            let values = cuda.float32(count: count)
            generator = .cuda(cuda)
            return dtype == .float32 ? values : values.map(\.roundedToBFloat16)
        }
    }
}
