import TensorCore
import Weights

/// Joins the patches of a merged token and projects them to the language model's features.
///
/// Source: transformers 5.23, `Qwen2_5_VLPatchMerger`.
struct PatchMerger: Sendable {
    let norm: Tensor
    let first: Linear
    let second: Linear

    init(_ weights: WeightScope, _ configuration: Qwen25VLVisionConfiguration) throws(WeightsError) {
        let joined = configuration.hiddenSize * configuration.spatialMergeUnit
        norm = try weights["ln_q"].vector("weight", configuration.hiddenSize)
        first = try weights["mlp"][0].linear(inFeatures: joined, outFeatures: joined)
        second = try weights["mlp"][2].linear(inFeatures: joined, outFeatures: configuration.outHiddenSize)
    }

    /// [patches, hidden] to [patches / merge², outHidden], float32; the patches of a token lie one after another.
    func callAsFunction(_ hiddenStates: Tensor, on backend: any Backend) throws(TensorError) -> Tensor {
        let normed = try backend.rmsNorm(hiddenStates, weight: norm, epsilon: VisionBlock.normEpsilon)
        let joined = first.weight.shape[1]
        let tokens = normed.reshaped([normed.elementCount / joined, joined])
        return try backend.linear(try backend.linear(tokens, first, activation: .gelu), second)
    }
}
