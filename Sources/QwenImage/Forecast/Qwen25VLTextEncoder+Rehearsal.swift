import Foundation
import TensorCore
import Weights

/// What forecasts run of the text encoder: the same code, with as many tokens as there can be where nobody knows them.
extension Qwen25VLTextEncoder {
    /// What is known of an encoder without a device.
    struct Opened: Sendable {
        let modelFolder: URL
        let configuration: Qwen25VLConfiguration
        let tokenizer: Tokenizer
        let source: any TensorSource
    }

    /// What this encoder has read of the model folder.
    var opened: Opened {
        Opened(
            modelFolder: modelFolder, configuration: configuration, tokenizer: tokenizer, source: source)
    }

    /// An encoder that is open already on other devices; nothing is loaded there yet.
    convenience init(_ opened: Opened, offload: OffloadManager) {
        self.init(
            modelFolder: opened.modelFolder, configuration: opened.configuration, tokenizer: opened.tokenizer,
            source: opened.source, offload: offload)
    }

    /// Tokens of a caption, at most.
    static let captionTokens = 512

    /// Tokens of a prompt in its template that are computed; for a prompt that is not there as many as there can be: a
    /// caption may become more tokens when it is read again than it was written in.
    func tokenIDs(of prompt: String?, maxSequenceLength: Int) throws(PipelineError) -> [Int] {
        guard let prompt else {
            return Array(repeating: 0, count: PromptEncoder.tokenLimit(maxSequenceLength: maxSequenceLength))
        }
        let encoder = PromptEncoder(model: try textModel(), tokenizer: tokenizer, backend: backend)
        return encoder.tokenIDs(of: prompt, maxSequenceLength: maxSequenceLength)
    }

    /// As `encode`, of tokens that are known.
    func encode(tokenIDs: [Int], maxSequenceLength: Int, continues: Bool) throws(PipelineError) -> Tensor {
        let encoder = PromptEncoder(model: try textModel(), tokenizer: tokenizer, backend: backend)
        return try encoder.embedding(
            of: tokenIDs, maxSequenceLength: maxSequenceLength, continues: continues, cancellation: nil,
            observer: nil)
    }

    /// Does what `caption` does for a picture of this size and the longest caption, as far as it allocates; `between`
    /// is called after the first token and after the second. What a further one takes is the same each time.
    func rehearseCaption(
        width: Int, height: Int, language: CaptionLanguage, between: () -> Void
    ) throws(PipelineError) {
        let preprocessor = try imagePreprocessor()
        let size = try preprocessor.smartResize(height: height, width: width)
        let side = preprocessor.configuration.patchSize
        let grid = PatchGrid(
            height: size.height / side, width: size.width / side, mergeSize: preprocessor.configuration.mergeSize)
        let features = try imageFeatures(grid, cancellation: nil, observer: nil) {
            [Float](repeating: 0, count: grid.patchCount * configuration.vision.patchElementCount)
        }
        let prompt = try CaptionPrompt(
            language: language, grid: grid, tokenizer: tokenizer, imageTokenID: configuration.imageTokenID)
        let model = try textModel()
        try PipelineError.converting { () throws(WeightsError) in
            let head = try model.languageModelHead(tied: configuration.tieWordEmbeddings)
            let generator = CaptionGenerator(
                model: model, head: head, generation: GenerationConfiguration(eosTokenIDs: [], repetitionPenalty: 1),
                backend: backend, cancellation: nil, observer: nil, progress: nil)
            try generator.rehearse(prompt, features, grid, Self.captionTokens, between: between)
        }
    }
}
