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

    /// Rows whose queries are computed at once. Preparing the keys, which is done for each such part, is then about a
    /// hundredth of the work.
    private static let attentionRows = 4096
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

    /// Keys and values of all rows are there at once; everything else exists for a part of the rows: a query needs all
    /// keys, but no other query. The norm is computed twice instead of kept.
    private func attend(
        _ hidden: Tensor, _ parts: [Part], _ updated: [Part], _ rotary: Rotary, _ backend: any Backend
    ) throws(TensorError) {
        let key = try backend.empty(hidden.shape)
        let value = try backend.empty(hidden.shape)
        for part in parts {
            for rows in Self.chunks(of: part.rows) {
                let input = try normed(hidden.rows(rows), part.modulation.attention, backend)
                let k = try backend.linear(input, part.stream.key, into: key.rows(rows))
                try normAndRotate(k, part.stream.keyNorm, rotary, rows, backend)
                try backend.linear(input, part.stream.value, into: value.rows(rows))
            }
        }
        let layout = AttentionLayout(
            heads: configuration.numAttentionHeads, headSize: configuration.attentionHeadDim)
        for part in updated {
            for rows in Self.chunks(of: part.rows) {
                let input = try normed(hidden.rows(rows), part.modulation.attention, backend)
                let query = try backend.linear(input, part.stream.query)
                try normAndRotate(query, part.stream.queryNorm, rotary, rows, backend)
                // The normed input is not needed again: it takes the attention's
                // output, and the query's memory takes the projection.
                let attended = try backend.attention(query, key, value, layout, into: input)
                let projected = try backend.linear(attended, part.stream.attentionOut, into: query)
                try backend.accumulate(hidden.rows(rows), projected, gate: part.modulation.attention.gate)
            }
        }
    }

    private func normed(
        _ rows: Tensor, _ modulation: ModulationPart, _ backend: any Backend
    ) throws(TensorError) -> Tensor {
        try backend.layerNorm(rows, epsilon: Self.epsilon, shift: modulation.shift, scale: modulation.scale)
    }

    private func normAndRotate(
        _ tensor: Tensor, _ weight: Tensor, _ rotary: Rotary, _ rows: Range<Int>, _ backend: any Backend
    ) throws(TensorError) {
        let angles = Rotary(
            cosines: rotary.cosines.rows(rows), sines: rotary.sines.rows(rows), pairing: rotary.pairing)
        try backend.headNormRotary(
            tensor, headSize: configuration.attentionHeadDim, weight: weight, epsilon: Self.epsilon, rotary: angles)
    }

    private static func chunks(of rows: Range<Int>) -> [Range<Int>] {
        stride(from: rows.lowerBound, to: rows.upperBound, by: attentionRows).map {
            $0..<min($0 + attentionRows, rows.upperBound)
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
