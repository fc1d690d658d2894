import CKernels

/// In what the CPU multiplies matrices; sums, norms and softmax are float32 in every case.
public enum ComputePrecision: String, Sendable, CaseIterable {
    /// Products of float32.
    case float32
    /// Products of operands rounded to bfloat16, the type of the published weights.
    case bfloat16

    /// True if this CPU multiplies bfloat16 faster than float32: AVX-512 BF16.
    public static var hasFastBFloat16: Bool { mica_has_bf16_products() == 1 }
}
