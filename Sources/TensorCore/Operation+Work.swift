/// The arithmetic of each operation, the same on every backend.
extension Operation {
    /// Floating-point operations, a multiplication and an addition
    /// counted as two; pointwise work counts one an element.
    public var floatingPointOperations: Int {
        switch self {
        case .linear(let input, let weight, _, _, _):
            2 * input.elementCount * weight.shape[0]
        case .attention(let query, let key, _, let layout, _):
            4 * layout.headSize * layout.heads * Operation.visiblePairs(query.shape[0], key.shape[0], layout.mask)
        case .convolution(let input, _, _, let geometry, _, let output):
            2 * output.elementCount * geometry.kernel * geometry.kernel * input.shape[2]
        case .layerNorm(let input, _, _, _, _), .rmsNorm(let input, _, _, _), .activate(let input, _, _),
            .channelNorm(let input, _, _, _), .channelAffine(let input, _, _, _), .upsampleNearest(let input, _),
            .permute(let input, _, _), .copy(let input, _), .guidance(let input, _, _, _, _):
            input.elementCount
        case .headNormRotary(let tensor, _, _, _, _): tensor.elementCount
        case .siluGate(let gate, _, _): gate.elementCount
        case .accumulate(let target, _, _): target.elementCount
        case .gatherRows(_, _, let output): output.elementCount
        case .eulerStep(let latents, _, _): latents.elementCount
        }
    }

    /// Pairs of a query and a key that it sees.
    private static func visiblePairs(_ queries: Int, _ keys: Int, _ mask: AttentionLayout.Mask) -> Int {
        switch mask {
        case .none: queries * keys
        case .causal(let offset): queries * offset + queries * (queries + 1) / 2
        case .segments(let boundaries):
            zip(boundaries, boundaries.dropFirst()).reduce(0) { $0 + ($1.1 - $1.0) * ($1.1 - $1.0) }
        }
    }
}
