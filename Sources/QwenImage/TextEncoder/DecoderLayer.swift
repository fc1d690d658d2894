import TensorCore
import Weights

/// One layer of the language model: causal attention with grouped keys and values, then SwiGLU.
///
/// Source: transformers 5.23, `Qwen2_5_VLDecoderLayer`.
struct DecoderLayer: Sendable {
    let inputNorm: Tensor
    let postAttentionNorm: Tensor
    let queryProjection: Linear
    let keyProjection: Linear
    let valueProjection: Linear
    let outputProjection: Linear
    let feedForward: GatedFeedForward

    init(_ weights: WeightScope, _ configuration: Qwen25VLTextConfiguration) throws(WeightsError) {
        let hidden = configuration.hiddenSize
        let keyValueSize = configuration.numKeyValueHeads * configuration.headSize
        let attention = weights["self_attn"]
        inputNorm = try weights["input_layernorm"].vector("weight", hidden)
        postAttentionNorm = try weights["post_attention_layernorm"].vector("weight", hidden)
        func projection(_ name: String, _ outFeatures: Int, bias: Bool = true) throws(WeightsError) -> Linear {
            try attention[name].linear(
                inFeatures: hidden, outFeatures: outFeatures, bias: bias, isBlockWeight: true)
        }
        queryProjection = try projection("q_proj", hidden)
        keyProjection = try projection("k_proj", keyValueSize)
        valueProjection = try projection("v_proj", keyValueSize)
        outputProjection = try projection("o_proj", hidden, bias: false)
        feedForward = try GatedFeedForward(
            weights["mlp"], hiddenSize: hidden, intermediateSize: configuration.intermediateSize, bias: false)
    }

    /// Where a layer's keys and values lie, [capacity, keyValueHeads * headSize] each, and how many rows are filled
    /// before this call.
    struct KeyValueRows {
        let keys: Tensor
        let values: Tensor
        let start: Int
    }

    /// In place on `hiddenStates` [S, hidden] float32; `rotary` has a row for each of the S tokens. Keys and values of
    /// the S tokens are written after the `start` rows that are there.
    func callAsFunction(
        _ hiddenStates: Tensor, rotary: Rotary, cache: KeyValueRows, configuration: Qwen25VLTextConfiguration,
        on backend: any Backend
    ) throws(TensorError) {
        try attend(hiddenStates, rotary, cache, configuration, backend)
        try feedForward.addResidual(
            to: hiddenStates, norm: postAttentionNorm, epsilon: configuration.rmsNormEps, on: backend)
    }

    private func attend(
        _ hiddenStates: Tensor, _ rotary: Rotary, _ cache: KeyValueRows, _ configuration: Qwen25VLTextConfiguration,
        _ backend: any Backend
    ) throws(TensorError) {
        let headSize = configuration.headSize
        let end = cache.start + hiddenStates.shape[0]
        let newKeys = cache.keys.rows(cache.start..<end)
        let normed = try backend.rmsNorm(hiddenStates, weight: inputNorm, epsilon: configuration.rmsNormEps)
        let query = try backend.linear(normed, queryProjection)
        try backend.linear(normed, keyProjection, into: newKeys)
        try backend.linear(normed, valueProjection, into: cache.values.rows(cache.start..<end))
        try backend.headNormRotary(query, headSize: headSize, rotary: rotary)
        try backend.headNormRotary(newKeys, headSize: headSize, rotary: rotary)
        let layout = AttentionLayout(
            heads: configuration.numAttentionHeads, keyHeads: configuration.numKeyValueHeads, headSize: headSize,
            mask: .causal(queryOffset: cache.start))
        let attended = try backend.attention(query, cache.keys.rows(0..<end), cache.values.rows(0..<end), layout)
        try backend.accumulate(hiddenStates, try backend.linear(attended, outputProjection))
    }
}
