import Foundation
import ImageCodecs
import TensorCore
import Weights

/// The text encoder of one model folder: embeds prompts, and writes a caption of a picture that has none.
///
/// Opening it reads the configuration, the tokenizer and the checkpoint's header. Weights reach the device when they
/// are needed, and stay as the offload manager has it, until `release`; the vision tower and the language model's head
/// stay only while a caption is written.
public final class Qwen25VLTextEncoder {
    /// What the folder's `config.json` says.
    public let configuration: Qwen25VLConfiguration
    let modelFolder: URL
    let tokenizer: Tokenizer
    let source: any TensorSource
    let backend: any Backend
    let offload: OffloadManager
    private var loadedTextModel: Qwen25VLTextModel?

    private static let folderName = "text_encoder"

    /// Opens the folders `text_encoder` and `tokenizer` of a model folder; `processor` is read when a caption is asked
    /// for, and by `checkCaptioner`.
    ///
    /// Throws `model`, `weights` or `tokenizer` with the file that is missing or not as it should be.
    ///
    /// - Parameter source: the weights, if they are not those in the folder.
    public convenience init(
        modelFolder: URL, source given: (any TensorSource)? = nil, offload: OffloadManager
    ) throws(PipelineError) {
        let folder = modelFolder.appendingPathComponent(Self.folderName)
        let configuration = try Qwen25VLConfiguration(folder: folder)
        let tokenizer: Tokenizer
        do {
            tokenizer = try Tokenizer(folder: modelFolder.appendingPathComponent("tokenizer"))
        } catch {
            throw .tokenizer(error)
        }
        let source = try PipelineError.converting { () throws(WeightsError) -> any TensorSource in
            if let given { return given }
            return try Checkpoint.open(folder)
        }
        self.init(
            modelFolder: modelFolder, configuration: configuration, tokenizer: tokenizer, source: source,
            offload: offload)
    }

    /// An encoder over any source of tensors; `modelFolder` has what captions need besides.
    init(
        modelFolder: URL, configuration: Qwen25VLConfiguration, tokenizer: Tokenizer, source: any TensorSource,
        offload: OffloadManager
    ) {
        self.configuration = configuration
        self.modelFolder = modelFolder
        self.tokenizer = tokenizer
        self.source = source
        self.offload = offload
        backend = offload.root(of: .textEncoder)
    }

    /// The embedding of a prompt, [tokens, hiddenSize] float32: what the reference calls `prompt_embeds` of one prompt.
    ///
    /// At most `maxSequenceLength` tokens are kept; `continues` is true if another prompt follows. `observer` sees
    /// `text.layer.<i>` and `prompt_embeds`.
    public func encode(
        _ prompt: String, maxSequenceLength: Int, continues: Bool = false, cancellation: Cancellation? = nil,
        observer: (any TensorObserver)? = nil
    ) throws(PipelineError) -> Tensor {
        let encoder = PromptEncoder(model: try textModel(), tokenizer: tokenizer, backend: backend)
        return try encoder(
            prompt, maxSequenceLength: maxSequenceLength, continues: continues, cancellation: cancellation,
            observer: observer)
    }

    /// A caption of a picture, in the pipeline the one that was resized to the size of the result.
    ///
    /// `observer` sees `vision.pixel_values`, `vision.features` and `caption.logits_last`; `progress` is given the
    /// number of tokens so far and the most there can be. Throws `parameterOutOfRange` for a picture more than 200
    /// times as long as it is short.
    public func caption(
        _ image: PixelBuffer, language: CaptionLanguage, maxNewTokens: Int = 512, cancellation: Cancellation? = nil,
        observer: (any TensorObserver)? = nil, progress: ((Int, Int) -> Void)? = nil
    ) throws(PipelineError) -> Caption {
        let generation = try generationConfiguration()
        let preprocessor = try imagePreprocessor()
        try cancellation?.check()
        let patches = try preprocessor(image)
        let grid = patches.grid
        let features = try imageFeatures(grid, cancellation: cancellation, observer: observer) { patches.pixelValues }
        let prompt = try CaptionPrompt(
            language: language, grid: grid, tokenizer: tokenizer, imageTokenID: configuration.imageTokenID)
        let model = try textModel()
        let head = try PipelineError.converting { () throws(WeightsError) in
            try model.languageModelHead(tied: configuration.tieWordEmbeddings)
        }
        let generator = CaptionGenerator(
            model: model, head: head, generation: generation, backend: backend, cancellation: cancellation,
            observer: observer, progress: progress)
        let tokens = try generator(prompt, features: features, grid: grid, maxNewTokens: maxNewTokens)
        let text = tokenizer.decode(tokens, skippingSpecialTokens: true)
        return Caption(text: text.strippingWhiteSpace(), tokenIDs: tokens, promptTokenIDs: prompt.tokenIDs)
    }

    /// Looks for every tensor that the engine will ask for, without reading one, so that a missing or misshapen one
    /// shows before any work.
    ///
    /// - Parameter captioner: look for the vision tower and the language model's head too.
    /// - Throws: `weights` with the first tensor that is missing or has another shape.
    public func checkTensors(captioner: Bool) throws(PipelineError) {
        try PipelineError.converting { () throws(WeightsError) in
            try Self.loadAll(configuration, source: source, captioner: captioner)
        }
    }

    /// Reads the configurations that captions need, so that what is wrong with one shows before any work.
    func checkCaptioner() throws(PipelineError) {
        _ = try generationConfiguration()
        _ = try imagePreprocessor()
    }

    private func generationConfiguration() throws(PipelineError) -> GenerationConfiguration {
        try GenerationConfiguration(
            folder: modelFolder.appendingPathComponent(Self.folderName), model: configuration)
    }

    /// Loads every tensor on a backend without data.
    static func loadAll(
        _ configuration: Qwen25VLConfiguration, source: any TensorSource, captioner: Bool
    ) throws(WeightsError) {
        let nowhere = OffloadManager(Meter(), plan: .disk)
        let model = try Qwen25VLTextModel(configuration.text, source: source, offload: nowhere)
        for index in 0..<model.layers.count {
            try model.layers.withWeights(of: index) { _ in }
        }
        guard captioner else { return }
        _ = try model.languageModelHead(tied: configuration.tieWordEmbeddings)
        let tower = try VisionTower(configuration.vision, source: source, offload: nowhere)
        for index in 0..<tower.blocks.count {
            try tower.blocks.withWeights(of: index) { _ in }
        }
    }

    /// Drops all weights that are held on the device; the next call loads them again.
    public func release() {
        loadedTextModel = nil
    }

    func textModel() throws(PipelineError) -> Qwen25VLTextModel {
        if let loadedTextModel { return loadedTextModel }
        let model = try PipelineError.converting { () throws(WeightsError) in
            try Qwen25VLTextModel(configuration.text, source: source, offload: offload)
        }
        loadedTextModel = model
        return model
    }

    /// [merged tokens, hiddenSize] float32 of a picture's patches; the vision tower is gone when this returns.
    func imageFeatures(
        _ grid: PatchGrid, cancellation: Cancellation?, observer: (any TensorObserver)?, pixelValues: () -> [Float]
    ) throws(PipelineError) -> Tensor {
        let tower = try PipelineError.converting { () throws(WeightsError) in
            try VisionTower(configuration.vision, source: source, offload: offload)
        }
        return try PipelineError.converting { () throws(WeightsError) in
            let pixelValues = try WeightsError.converting { () throws(TensorError) in
                let tensor = try backend.upload(
                    [grid.patchCount, configuration.vision.patchElementCount], pixelValues)
                try observer?.record("vision.pixel_values", tensor)
                return tensor
            }
            let features = try tower(pixelValues, grid: grid, cancellation: cancellation)
            try WeightsError.converting { () throws(TensorError) in
                try observer?.record("vision.features", features)
            }
            return features
        }
    }

    func imagePreprocessor() throws(PipelineError) -> ImagePreprocessor {
        let stored = try ImagePreprocessorConfiguration(folder: modelFolder.appendingPathComponent("processor"))
        let vision = configuration.vision
        guard
            stored.patchSize == vision.patchSize, stored.mergeSize == vision.spatialMergeSize,
            stored.temporalPatchSize == vision.temporalPatchSize
        else {
            throw .model(
                file: "processor",
                problem: "patch_size, merge_size or temporal_patch_size differ from the text encoder's vision_config")
        }
        return ImagePreprocessor(configuration: stored)
    }
}
