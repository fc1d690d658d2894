import CKernels
import TensorCore

/// In what the CPU multiplies matrices; sums, norms and softmax are float32 in every case.
public enum ComputePrecision: String, Sendable, CaseIterable {
    /// Products of float32.
    case float32
    /// Products of operands rounded to bfloat16, the type of the published weights; on CPUs with AVX2 alone, and with
    /// AVX-512 and VNNI but no matrix units, to integers of 16 bits with a scale for 256 or 512 of them, which rounds
    /// less and is faster.
    case bfloat16
    /// Matrices that are held as int8 are multiplied with inputs rounded to 8 bits by row; all others as for bfloat16.
    case int8

    /// What goes with weights that were asked to be held in `precision`: nothing that rounds more than they do.
    public init(for precision: WeightPrecision?) {
        switch precision {
        case nil, .float32: self = .float32
        case .bfloat16, .fp8, .int4: self = .bfloat16
        case .int8: self = .int8
        }
    }

    /// True if this CPU multiplies 8-bit integers faster than float32: with AVX-512 VNNI, or with AVX2 as 16 bits.
    public static var hasFastInt8: Bool { HostInstructions.ofThisCPU != .portable }

    /// True if this CPU multiplies bfloat16 faster than float32: with AVX-512 BF16, or as 16-bit integers with AVX-512
    /// VNNI or AVX2 alone.
    public static var hasFastBFloat16: Bool {
        let instructions = HostInstructions.ofThisCPU
        return hasBFloat16Instructions || instructions == .avx2 || PairKernels(instructions) == .vnni
    }

    /// True if this CPU has AVX-512 BF16.
    package static var hasBFloat16Instructions: Bool { mica_has_bf16_products() == 1 }
}
