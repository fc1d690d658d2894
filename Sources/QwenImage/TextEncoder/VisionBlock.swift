import TensorCore
import Weights

/// One block of the vision tower: attention within windows or over the whole picture, then SwiGLU.
///
/// Source: transformers 5.23, `Qwen2_5_VLVisionBlock`.
struct VisionBlock: Sendable {
    let norm1: Tensor
    let norm2: Tensor
    let queryProjection: Linear
    let keyProjection: Linear
    let valueProjection: Linear
    let outputProjection: Linear
    let feedForward: GatedFeedForward

    /// The norms of the vision tower have this in the reference's source, not in the configuration.
    static let normEpsilon: Float = 1e-6

    init(_ weights: WeightScope, _ configuration: Qwen25VLVisionConfiguration) throws(WeightsError) {
        let hidden = configuration.hiddenSize
        norm1 = try weights["norm1"].vector("weight", hidden)
        norm2 = try weights["norm2"].vector("weight", hidden)
        let fused = try weights["attn"]["qkv"].linear(inFeatures: hidden, outFeatures: 3 * hidden)
        // The fused projection's rows are all queries, then all keys, then all values.
        func part(_ index: Int) -> Linear {
            let rows = (index * hidden)..<((index + 1) * hidden)
            return Linear(weight: fused.weight.rows(rows), bias: fused.bias?.rows(rows))
        }
        queryProjection = part(0)
        keyProjection = part(1)
        valueProjection = part(2)
        outputProjection = try weights["attn"]["proj"].linear(inFeatures: hidden, outFeatures: hidden)
        feedForward = try GatedFeedForward(
            weights["mlp"], hiddenSize: hidden, intermediateSize: configuration.intermediateSize, bias: true)
    }

    /// In place on `hiddenStates` [patches, hidden] float32.
    func callAsFunction(
        _ hiddenStates: Tensor, rotary: Rotary, layout: AttentionLayout, on backend: any Backend
    ) throws(TensorError) {
        try attend(hiddenStates, rotary, layout, backend)
        try feedForward.addResidual(to: hiddenStates, norm: norm2, epsilon: Self.normEpsilon, on: backend)
    }

    private func attend(
        _ hiddenStates: Tensor, _ rotary: Rotary, _ layout: AttentionLayout, _ backend: any Backend
    ) throws(TensorError) {
        let normed = try backend.rmsNorm(hiddenStates, weight: norm1, epsilon: Self.normEpsilon)
        let query = try backend.linear(normed, queryProjection)
        let key = try backend.linear(normed, keyProjection)
        let value = try backend.linear(normed, valueProjection)
        try backend.headNormRotary(query, headSize: layout.headSize, rotary: rotary)
        try backend.headNormRotary(key, headSize: layout.headSize, rotary: rotary)
        let attended = try backend.attention(query, key, value, layout)
        try backend.accumulate(hiddenStates, try backend.linear(attended, outputProjection))
    }
}
