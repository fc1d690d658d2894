import TensorCore
import Weights

/// One dual-stream block without its modulation layers, which are evaluated ahead of time (see `ScheduleModulation`).
///
/// Source: diffusers `transformer_qwenimage.py`, `QwenImageTransformerBlock`, `QwenDoubleStreamAttnProcessor2_0`.
struct TransformerBlock: Sendable {
    /// The layers of one stream; the same shapes for image and text, other names.
    struct Stream: Sendable {
        let query: Linear
        let key: Linear
        let value: Linear
        /// RMSNorm weights by head, [headSize].
        let queryNorm: Tensor
        let keyNorm: Tensor
        let attentionOut: Linear
        /// dim to 4 dim and back.
        let mlpIn: Linear
        let mlpOut: Linear
    }

    let image: Stream
    let text: Stream
    private let configuration: TransformerConfiguration

    /// - Parameter weights: the scope `transformer_blocks.<index>`.
    init(_ weights: WeightScope, _ configuration: TransformerConfiguration) throws(WeightsError) {
        self.configuration = configuration
        let dim = configuration.innerDim
        let head = configuration.attentionHeadDim
        func square(_ scope: WeightScope) throws(WeightsError) -> Linear {
            try scope.linear(inFeatures: dim, outFeatures: dim, isBlockWeight: true)
        }
        let attention = weights["attn"]
        func stream(
            _ names: (q: String, k: String, v: String, qNorm: String, kNorm: String), out: WeightScope, mlp: WeightScope
        ) throws(WeightsError) -> Stream {
            Stream(
                query: try square(attention[names.q]),
                key: try square(attention[names.k]),
                value: try square(attention[names.v]),
                queryNorm: try attention[names.qNorm].vector("weight", head),
                keyNorm: try attention[names.kNorm].vector("weight", head),
                attentionOut: try square(out),
                mlpIn: try mlp["net"][0]["proj"].linear(
                    inFeatures: dim, outFeatures: configuration.mlpDim, isBlockWeight: true),
                mlpOut: try mlp["net"][2].linear(
                    inFeatures: configuration.mlpDim, outFeatures: dim, isBlockWeight: true))
        }
        image = try stream(
            ("to_q", "to_k", "to_v", "norm_q", "norm_k"), out: attention["to_out"][0], mlp: weights["img_mlp"])
        text = try stream(
            ("add_q_proj", "add_k_proj", "add_v_proj", "norm_added_q", "norm_added_k"), out: attention["to_add_out"],
            mlp: weights["txt_mlp"])
    }

    private static let epsilon: Float = 1e-6

    /// One part of a joint tensor with what belongs to its stream.
    private struct Part {
        let rows: Range<Int>
        let stream: Stream
        let modulation: StreamModulation
    }

    /// Applies the block to `hidden` [textTokens + imageTokens, dim] in place, text first.
    ///
    /// - Parameter updatesText: false for the last block, whose text rows nothing reads; they keep what they hold.
    func callAsFunction(
        _ hidden: Tensor, textTokens: Int, imageModulation: StreamModulation, textModulation: StreamModulation,
        rotary: Rotary, updatesText: Bool, on backend: any Backend
    ) throws(TensorError) {
        let parts = [
            Part(rows: 0..<textTokens, stream: text, modulation: textModulation),
            Part(rows: textTokens..<hidden.shape[0], stream: image, modulation: imageModulation),
        ]
        let updated = updatesText ? parts : [parts[1]]
        try attend(hidden, parts, updated, rotary, backend)
        for part in updated { try feedForward(hidden.rows(part.rows), part, backend) }
    }

    private func attend(
        _ hidden: Tensor, _ parts: [Part], _ updated: [Part], _ rotary: Rotary, _ backend: any Backend
    ) throws(TensorError) {
        let normed = try backend.empty(hidden.shape)
        let query = try backend.empty(hidden.shape)
        let key = try backend.empty(hidden.shape)
        let value = try backend.empty(hidden.shape)
        let head = configuration.attentionHeadDim
        for part in parts {
            let input = try backend.layerNorm(
                hidden.rows(part.rows), epsilon: Self.epsilon, shift: part.modulation.attention.shift,
                scale: part.modulation.attention.scale, into: normed.rows(part.rows))
            let angles = Rotary(
                cosines: rotary.cosines.rows(part.rows), sines: rotary.sines.rows(part.rows), pairing: rotary.pairing)
            let q = try backend.linear(input, part.stream.query, into: query.rows(part.rows))
            try backend.headNormRotary(
                q, headSize: head, weight: part.stream.queryNorm, epsilon: Self.epsilon, rotary: angles)
            let k = try backend.linear(input, part.stream.key, into: key.rows(part.rows))
            try backend.headNormRotary(
                k, headSize: head, weight: part.stream.keyNorm, epsilon: Self.epsilon, rotary: angles)
            try backend.linear(input, part.stream.value, into: value.rows(part.rows))
        }
        // The normed input is not needed again: it takes the attention's
        // output, and the query's memory takes the projection.
        let layout = AttentionLayout(heads: configuration.numAttentionHeads, headSize: head)
        let attended = try backend.attention(query, key, value, layout, into: normed)
        for part in updated {
            let projected = try backend.linear(
                attended.rows(part.rows), part.stream.attentionOut, into: query.rows(part.rows))
            try backend.accumulate(hidden.rows(part.rows), projected, gate: part.modulation.attention.gate)
        }
    }

    /// LayerNorm, modulation, two linear layers and the gated residual, on the rows of one stream, some rows at a time:
    /// the inner activation is four times as wide as all others.
    private func feedForward(_ hidden: Tensor, _ part: Part, _ backend: any Backend) throws(TensorError) {
        for range in RowChunks(hidden.shape[0], rowsAtOnce: backend.rowsAtOnce) {
            let rows = hidden.rows(range)
            let normed = try backend.layerNorm(
                rows, epsilon: Self.epsilon, shift: part.modulation.mlp.shift, scale: part.modulation.mlp.scale)
            let inner = try backend.linear(normed, part.stream.mlpIn, activation: .geluTanh)
            let output = try backend.linear(inner, part.stream.mlpOut, into: normed)
            try backend.accumulate(rows, output, gate: part.modulation.mlp.gate)
        }
    }
}
