import TensorCore
import Weights

/// Embeds a prompt as the diffusion transformer was trained to see it.
///
/// Source: diffusers 0.42, `QwenImageLayeredPipeline._get_qwen_prompt_embeds` and `encode_prompt`.
struct PromptEncoder {
    let model: Qwen25VLTextModel
    let tokenizer: Tokenizer
    let backend: any Backend

    /// Tokens that are computed at most, the template's first ones included. A token sees only those before it, so what
    /// comes after the last that is kept changes nothing.
    static func tokenLimit(maxSequenceLength: Int) -> Int { PromptTemplate.droppedTokenCount + maxSequenceLength }

    /// [tokens, hidden] float32: the hidden states after the final norm, without the template's first tokens.
    ///
    /// Throws `model` if the tokenizer makes fewer tokens of the template than are dropped, or tokens that the model
    /// does not have.
    func callAsFunction(
        _ prompt: String, maxSequenceLength: Int, continues: Bool, cancellation: Cancellation?,
        observer: (any TensorObserver)?
    ) throws(PipelineError) -> Tensor {
        try embedding(
            of: tokenIDs(of: prompt, maxSequenceLength: maxSequenceLength), maxSequenceLength: maxSequenceLength,
            continues: continues, cancellation: cancellation, observer: observer)
    }

    /// The tokens of a prompt in its template that are computed.
    func tokenIDs(of prompt: String, maxSequenceLength: Int) -> [Int] {
        Array(
            tokenizer.encode(PromptTemplate.encode(prompt))
                .prefix(Self.tokenLimit(maxSequenceLength: maxSequenceLength)))
    }

    /// [tokens, hidden] float32 of the tokens of a prompt in its template.
    func embedding(
        of ids: [Int], maxSequenceLength: Int, continues: Bool, cancellation: Cancellation?,
        observer: (any TensorObserver)?
    ) throws(PipelineError) -> Tensor {
        let start = PromptTemplate.droppedTokenCount
        guard ids.count > start else {
            throw .model(
                file: "tokenizer",
                problem: "the prompt and its template are \(ids.count) tokens, of which the first \(start) are"
                    + " dropped; this is not the tokenizer of Qwen-Image")
        }
        try model.checkVocabulary(ids)
        return try PipelineError.converting { () throws(WeightsError) in
            let hiddenStates = try runLayers(ids, continues, cancellation, observer)
            return try WeightsError.converting { () throws(TensorError) in
                let kept = start..<min(ids.count, Self.tokenLimit(maxSequenceLength: maxSequenceLength))
                let embedding = try model.finalNorm(hiddenStates.rows(kept))
                try observer?.record("prompt_embeds", embedding.reshaped([1, kept.count, embedding.shape[1]]))
                return embedding
            }
        }
    }

    private func runLayers(
        _ ids: [Int], _ continues: Bool, _ cancellation: Cancellation?, _ observer: (any TensorObserver)?
    ) throws(WeightsError) -> Tensor {
        let (hiddenStates, rotary) = try WeightsError.converting { () throws(TensorError) in
            (
                try model.embed(ids),
                try RopePositions(textCount: ids.count).angles(model.configuration).upload(to: backend)
            )
        }
        try model.runLayers(
            hiddenStates, rotary: rotary, cache: nil, continues: continues, cancellation: cancellation
        ) {
            index, output throws(TensorError) in
            try observer?.record("text.layer.\(index)", output.reshaped([1, output.shape[0], output.shape[1]]))
        }
        return hiddenStates
    }
}
