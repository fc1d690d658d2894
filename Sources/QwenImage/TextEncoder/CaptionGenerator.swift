import TensorCore
import Weights

/// Writes the tokens of a caption: the prompt with the picture's features at once, then token by token.
///
/// Source: diffusers 0.42, `QwenImageLayeredPipeline.get_image_caption`; transformers 5.23, `GenerationMixin._sample`.
struct CaptionGenerator {
    let model: Qwen25VLTextModel
    let head: LanguageModelHead
    let generation: GenerationConfiguration
    let backend: any Backend
    let cancellation: Cancellation?
    let observer: (any TensorObserver)?
    let progress: ((Int, Int) -> Void)?

    /// At most `maxNewTokens` tokens; the last is an end token unless that bound was met. `features` is [merged tokens,
    /// hidden] float32.
    func callAsFunction(
        _ prompt: CaptionPrompt, features: Tensor, grid: PatchGrid, maxNewTokens: Int
    ) throws(PipelineError) -> [Int] {
        precondition(maxNewTokens > 0, "a caption of no tokens")
        try model.checkVocabulary(prompt.tokenIDs)
        return try PipelineError.converting { () throws(WeightsError) in
            try generate(prompt, features, grid, maxNewTokens)
        }
    }

    private func generate(
        _ prompt: CaptionPrompt, _ features: Tensor, _ grid: PatchGrid, _ maxNewTokens: Int
    ) throws(WeightsError) -> [Int] {
        let (cache, rotary) = try room(prompt, grid, maxNewTokens)
        var choice = TokenChoice(repetitionPenalty: generation.repetitionPenalty, prompt: prompt.tokenIDs)
        var logits = try prefill(prompt, features, rotary.rows(0..<prompt.tokenIDs.count), cache)
        var tokens: [Int] = []
        while true {
            guard let token = choice.next(logits) else { throw .tensor(.notANumber(operation: "the captioner")) }
            tokens.append(token)
            progress?(tokens.count, maxNewTokens)
            if generation.eosTokenIDs.contains(token) || tokens.count == maxNewTokens { return tokens }
            logits = try self.logits(after: token, rotary, cache)
        }
    }

    /// What `generate` does at most, as far as it allocates: `between` is called after the first token and after the
    /// second, so that what a further token takes can be told from the rest.
    func rehearse(
        _ prompt: CaptionPrompt, _ features: Tensor, _ grid: PatchGrid, _ maxNewTokens: Int, between: () -> Void
    ) throws(WeightsError) {
        let (cache, rotary) = try room(prompt, grid, maxNewTokens)
        _ = try prefill(prompt, features, rotary.rows(0..<prompt.tokenIDs.count), cache)
        between()
        guard maxNewTokens > 1 else { return }
        _ = try logits(after: 0, rotary, cache)
        between()
        // The cache grows as tokens follow: each time it does, once more.
        let last = prompt.tokenIDs.count + maxNewTokens - 2
        while cache.count < last {
            cache.advance(by: min(cache.capacity, last) - cache.count)
            _ = try logits(after: 0, rotary, cache)
        }
    }

    /// The logits after one more token.
    private func logits(
        after token: Int, _ rotary: Rotary, _ cache: KeyValueCache
    ) throws(WeightsError) -> [Float] {
        let row = rotary.rows(cache.count..<(cache.count + 1))
        let hiddenStates = try WeightsError.converting { () throws(TensorError) in try model.embed([token]) }
        try model.runLayers(hiddenStates, rotary: row, cache: cache, continues: true, cancellation: cancellation)
        let scores = try logits(of: hiddenStates)
        return try WeightsError.converting { () throws(TensorError) in try backend.download(scores) }
    }

    /// The cache of the prompt, and the angles of it and all that may follow.
    private func room(
        _ prompt: CaptionPrompt, _ grid: PatchGrid, _ maxNewTokens: Int
    ) throws(WeightsError) -> (cache: KeyValueCache, rotary: Rotary) {
        let promptCount = prompt.tokenIDs.count
        var positions = RopePositions(count: promptCount, imageRange: prompt.imageRange, grid: grid)
        positions.appendText(maxNewTokens)
        return try WeightsError.converting { () throws(TensorError) in
            (
                try model.cache(capacity: promptCount),
                try positions.angles(model.configuration).upload(to: backend)
            )
        }
    }

    /// Runs the prompt, the picture's features in the places of its tokens, and gives the logits after its last token.
    private func prefill(
        _ prompt: CaptionPrompt, _ features: Tensor, _ rotary: Rotary, _ cache: KeyValueCache
    ) throws(WeightsError) -> [Float] {
        let hiddenStates = try WeightsError.converting { () throws(TensorError) in
            let embeddings = try model.embed(prompt.tokenIDs)
            try backend.copy(features, into: embeddings.rows(prompt.imageRange))
            return embeddings
        }
        try model.runLayers(hiddenStates, rotary: rotary, cache: cache, continues: true, cancellation: cancellation)
        let last = hiddenStates.shape[0] - 1
        let logits = try logits(of: hiddenStates.rows(last..<(last + 1)))
        return try WeightsError.converting { () throws(TensorError) in
            try observer?.record("caption.logits_last", logits)
            return try backend.download(logits)
        }
    }

    /// [1, vocabulary] float32 of one row of hidden states.
    private func logits(of row: Tensor) throws(WeightsError) -> Tensor {
        let normed = try WeightsError.converting { () throws(TensorError) in try model.finalNorm(row) }
        return try head(normed, continues: true)
    }
}
