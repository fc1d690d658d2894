import TensorCore
import Weights

/// Qwen2.5-VL's language model: embedding table, decoder layers, final norm.
///
/// Source: transformers 5.23, `Qwen2_5_VLTextModel`.
final class Qwen25VLTextModel {
    let configuration: Qwen25VLTextConfiguration
    /// [vocabulary, hidden], the checkpoint's element type.
    let embedTokens: Tensor
    let layers: BlockStore<DecoderLayer>
    private let norm: Tensor
    private let backend: any Backend

    /// Opens the model in a checkpoint; layers are loaded when they are first needed.
    ///
    /// Throws `tensorMissing` or `wrongShape` of the embedding table or the final norm.
    init(
        _ configuration: Qwen25VLTextConfiguration, source: any TensorSource, backend: any Backend,
        residency: BlockResidency
    ) throws(WeightsError) {
        let weights = Self.scope(in: source, backend: backend)
        self.configuration = configuration
        self.backend = backend
        embedTokens = try weights["embed_tokens"].matrix(
            "weight", rows: configuration.vocabSize, columns: configuration.hiddenSize)
        norm = try weights["norm"].vector("weight", configuration.hiddenSize)
        let layerWeights = weights["layers"]
        layers = BlockStore(count: configuration.numHiddenLayers, residency: residency) {
            index throws(WeightsError) in
            try DecoderLayer(layerWeights[index], configuration)
        }
    }

    /// Older checkpoints have the language model right under `model`, newer ones under `model.language_model`.
    private static func scope(in source: any TensorSource, backend: any Backend) -> WeightScope {
        let model = WeightScope(source: source, backend: backend)["model"]
        let newer = model["language_model"]
        return newer.contains("embed_tokens.weight") ? newer : model
    }

    /// The head that turns hidden states into logits over the vocabulary; its own matrix, or the embedding table if
    /// they are tied.
    func languageModelHead(source: any TensorSource, tied: Bool) throws(WeightsError) -> Linear {
        if tied { return Linear(weight: embedTokens, bias: nil) }
        return try WeightScope(source: source, backend: backend)["lm_head"].linear(
            inFeatures: configuration.hiddenSize, outFeatures: configuration.vocabSize, bias: false)
    }

    /// Throws `model` unless every token has a row in the embedding table.
    func checkVocabulary(_ ids: [Int]) throws(PipelineError) {
        let rows = configuration.vocabSize
        if let stranger = ids.first(where: { !(0..<rows).contains($0) }) {
            throw .model(
                file: "tokenizer",
                problem: "it makes the token \(stranger), but the text encoder's vocabulary ends at \(rows - 1):"
                    + " the two do not belong together")
        }
    }

    /// Embeddings [ids.count, hidden] float32 of tokens that are in the vocabulary.
    func embed(_ ids: [Int]) throws(TensorError) -> Tensor {
        try backend.gatherRows(embedTokens, ids.map(Int32.init))
    }

    /// Runs all layers in place on `hiddenStates` [S, hidden] float32; the final norm is not applied yet.
    ///
    /// With a cache, the tokens follow those in it and are added to it. `afterLayer` sees each layer's output.
    /// Throws `tensor(.cancelled)` at the next layer once the job was cancelled.
    func runLayers(
        _ hiddenStates: Tensor, rotary: Rotary, cache: KeyValueCache?, cancellation: Cancellation?,
        afterLayer: ((Int, Tensor) throws(TensorError) -> Void)? = nil
    ) throws(WeightsError) {
        for index in 0..<layers.count {
            try layers.withWeights(of: index) { layer throws(TensorError) in
                if cancellation?.isCancelled ?? false { throw .cancelled }
                let rows = try keyValueRows(of: index, in: cache, tokens: hiddenStates.shape[0])
                try layer(hiddenStates, rotary: rotary, cache: rows, configuration: configuration, on: backend)
                try afterLayer?(index, hiddenStates)
            }
        }
        cache?.advance(by: hiddenStates.shape[0])
    }

    /// The final norm over [S, hidden].
    func finalNorm(_ hiddenStates: Tensor) throws(TensorError) -> Tensor {
        try backend.rmsNorm(hiddenStates, weight: norm, epsilon: configuration.rmsNormEps)
    }

    /// Without a cache, keys and values live as long as the layer runs.
    private func keyValueRows(
        of index: Int, in cache: KeyValueCache?, tokens: Int
    ) throws(TensorError) -> DecoderLayer.KeyValueRows {
        if let cache {
            return .init(keys: cache.keys[index], values: cache.values[index], start: cache.count)
        }
        let shape: Shape = [tokens, configuration.numKeyValueHeads * configuration.headSize]
        return .init(keys: try backend.empty(shape), values: try backend.empty(shape), start: 0)
    }
}
