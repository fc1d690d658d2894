import TensorCore
import Weights

/// Qwen2.5-VL's language model: embedding table, decoder layers, final norm.
///
/// Source: transformers 5.23, `Qwen2_5_VLTextModel`.
final class Qwen25VLTextModel {
    let configuration: Qwen25VLTextConfiguration
    let layers: BlockStore<DecoderLayer>
    /// [vocabulary, hidden], the checkpoint's element type; it stays in the checkpoint.
    private let embedTokens: HostTensor
    private let norm: Tensor
    private let weights: WeightScope
    private let offload: OffloadManager
    private let backend: any Backend

    /// Opens the model in a checkpoint; layers are loaded when they are first needed.
    ///
    /// Throws `tensorMissing` or `wrongShape` of the embedding table or the final norm.
    init(
        _ configuration: Qwen25VLTextConfiguration, source: any TensorSource, offload: OffloadManager
    ) throws(WeightsError) {
        backend = offload.root(of: .textEncoder)
        let weights = Self.scope(in: source, backend: backend)
        self.configuration = configuration
        self.weights = weights
        self.offload = offload
        embedTokens = try weights["embed_tokens"].table(
            "weight", rows: configuration.vocabSize, columns: configuration.hiddenSize)
        norm = try weights["norm"].vector("weight", configuration.hiddenSize)
        layers = BlockStore(
            .textLayers, count: configuration.numHiddenLayers, in: weights["layers"], manager: offload
        ) { (layer, _) throws(WeightsError) in
            try DecoderLayer(layer, configuration)
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
    ///
    /// A matrix that the checkpoint has is taken even where the configuration ties the two: transformers 5.23
    /// (`modeling_utils.py`, `tie_weights`) does not tie what is there with other values, and equal ones are no matter.
    func languageModelHead(tied: Bool) throws(WeightsError) -> LanguageModelHead {
        let head = WeightScope(source: weights.source, backend: backend)["lm_head"]
        let matrix = try (tied && !head.contains("weight") ? weights["embed_tokens"] : head).table(
            "weight", rows: configuration.vocabSize, columns: configuration.hiddenSize)
        return LanguageModelHead(matrix, location: weights.source.location, offload: offload)
    }

    /// An empty cache with room for so many tokens, each layer's rows on the layer's device.
    func cache(capacity: Int) throws(TensorError) -> KeyValueCache {
        try KeyValueCache(
            capacity: capacity, configuration: configuration,
            backends: (0..<layers.count).map { layers.backend(of: $0) })
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
        try backend.rows(ids.map(Int32.init), of: embedTokens)
    }

    /// Runs all layers in place on `hiddenStates` [S, hidden] float32; the final norm is not applied yet.
    ///
    /// With a cache, the tokens follow those in it and are added to it. `afterLayer` sees each layer's output.
    /// `continues` is true if more tokens follow, so that the first layer may be read ahead.
    /// Throws `tensor(.cancelled)` at the next layer once the job was cancelled.
    func runLayers(
        _ hiddenStates: Tensor, rotary: Rotary, cache: KeyValueCache?, continues: Bool = false,
        cancellation: Cancellation?, afterLayer: ((Int, Tensor) throws(TensorError) -> Void)? = nil
    ) throws(WeightsError) {
        var walk = DeviceWalk(hiddenStates, rotary: rotary, from: backend, offload: offload)
        try WeightsError.converting { () throws(TensorError) in try cache?.reserve(hiddenStates.shape[0]) }
        for index in 0..<layers.count {
            let device = layers.backend(of: index)
            try layers.withWeights(of: index, continues: continues) { layer throws(TensorError) in
                if cancellation?.isCancelled ?? false { throw .cancelled }
                try walk.move(to: device)
                let rows = try keyValueRows(of: index, in: cache, tokens: hiddenStates.shape[0], on: device)
                try layer(walk.states, rotary: walk.rotary, cache: rows, configuration: configuration, on: device)
                if let afterLayer { try afterLayer(index, try walk.statesAtHome()) }
            }
        }
        try WeightsError.converting { () throws(TensorError) in try walk.finish() }
        cache?.advance(by: hiddenStates.shape[0])
    }

    /// The final norm over [S, hidden].
    func finalNorm(_ hiddenStates: Tensor) throws(TensorError) -> Tensor {
        try backend.rmsNorm(hiddenStates, weight: norm, epsilon: configuration.rmsNormEps)
    }

    /// Without a cache, keys and values live as long as the layer runs.
    private func keyValueRows(
        of index: Int, in cache: KeyValueCache?, tokens: Int, on backend: any Backend
    ) throws(TensorError) -> DecoderLayer.KeyValueRows {
        if let cache {
            return .init(keys: cache.keys[index], values: cache.values[index], start: cache.count)
        }
        let shape: Shape = [tokens, configuration.numKeyValueHeads * configuration.headSize]
        return .init(keys: try backend.empty(shape), values: try backend.empty(shape), start: 0)
    }
}
