import Foundation
import TensorCore
import Weights

/// The transformer's time conditioning for every step of a schedule at once.
///
/// Source: diffusers `transformer_qwenimage.py`,
/// `QwenTimestepProjEmbeddings`; `embeddings.py`, `get_timestep_embedding`.
struct TimestepEmbedding: Sendable {
    static let channels = 256
    private static let scale: Float = 1000
    private static let maxPeriod: Double = 10000

    let linear1: Linear
    let linear2: Linear
    /// Row 0 of `addition_t_embedding`, [1, innerDim]; the layered pipeline always asks for row 0.
    let addition: Tensor?

    init(_ weights: WeightScope, _ configuration: TransformerConfiguration) throws(WeightsError) {
        let dim = configuration.innerDim
        let embedder = weights["timestep_embedder"]
        linear1 = try embedder["linear_1"].linear(inFeatures: Self.channels, outFeatures: dim)
        linear2 = try embedder["linear_2"].linear(inFeatures: dim, outFeatures: dim)
        addition =
            configuration.useAdditionalTCond
            ? try weights["addition_t_embedding"].matrix("weight", rows: 2, columns: dim) : nil
    }

    /// The conditioning [steps, innerDim] float32 for timesteps as the transformer is given them (0...1).
    func callAsFunction(_ timesteps: [Float], on backend: any Backend) throws(TensorError) -> Tensor {
        let sinusoids = try backend.upload(
            timesteps.flatMap(Self.sinusoids), [timesteps.count, Self.channels])
        let hidden = try backend.linear(sinusoids, linear1, activation: .silu)
        let embedding = try backend.linear(hidden, linear2)
        if let addition {
            let rows = try backend.gatherRows(addition, [Int32](repeating: 0, count: timesteps.count))
            try backend.accumulate(embedding, rows)
        }
        return embedding
    }

    /// Cosines first, then sines, of `scale * timestep * frequency`, in float32 as in the reference.
    static func sinusoids(_ timestep: Float) -> [Float] {
        let half = channels / 2
        let arguments = (0..<half).map { index in
            let exponent = Float(-log(maxPeriod)) * Float(index) / Float(half)
            return scale * (timestep * exp(exponent))
        }
        return arguments.map { cos($0) } + arguments.map { sin($0) }
    }
}
