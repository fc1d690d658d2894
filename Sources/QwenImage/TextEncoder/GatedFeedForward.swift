import TensorCore
import Weights

/// SwiGLU: `down(silu(gate(x)) * up(x))`, with biases in the vision tower and without in the language model.
struct GatedFeedForward: Sendable {
    let gateProjection: Linear
    let upProjection: Linear
    let downProjection: Linear

    init(_ weights: WeightScope, hiddenSize: Int, intermediateSize: Int, bias: Bool) throws(WeightsError) {
        gateProjection = try weights["gate_proj"].linear(
            inFeatures: hiddenSize, outFeatures: intermediateSize, bias: bias, isBlockWeight: true)
        upProjection = try weights["up_proj"].linear(
            inFeatures: hiddenSize, outFeatures: intermediateSize, bias: bias, isBlockWeight: true)
        downProjection = try weights["down_proj"].linear(
            inFeatures: intermediateSize, outFeatures: hiddenSize, bias: bias, isBlockWeight: true)
    }

    /// `hiddenStates += feedForward(rmsNorm(hiddenStates))`, [S, C] float32 in place, a part of the rows at a time.
    func addResidual(
        to hiddenStates: Tensor, norm: Tensor, epsilon: Float, on backend: any Backend
    ) throws(TensorError) {
        for range in RowChunks(hiddenStates.shape[0], rowsAtOnce: backend.rowsAtOnce) {
            let rows = hiddenStates.rows(range)
            let normed = try backend.rmsNorm(rows, weight: norm, epsilon: epsilon)
            let gate = try backend.linear(normed, gateProjection)
            let up = try backend.linear(normed, upProjection)
            try backend.siluGate(gate, up)
            try backend.accumulate(rows, try backend.linear(gate, downProjection))
        }
    }
}
