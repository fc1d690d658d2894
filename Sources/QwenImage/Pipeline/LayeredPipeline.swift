import Foundation
import ImageCodecs
import TensorCore
import Weights

/// Splits a picture into RGBA layers: the reference's `QwenImageLayeredPipeline` over one backend.
///
/// Belongs to one thread at a time, the worker that owns the backend.
/// Source: diffusers `pipelines/qwenimage/pipeline_qwenimage_layered.py`, `QwenImageLayeredPipeline.__call__`.
public final class LayeredPipeline {
    /// The folder it was opened from.
    public let model: ModelFolder
    let backend: any Backend
    let textEncoder: Qwen25VLTextEncoder
    let transformer: QwenImageTransformer2DModel
    let autoencoder: AutoencoderKLQwenImage
    /// What latents look like, once a job that may be watched has run.
    var projection: LatentProjection?

    /// Opens a model folder on a backend. Every tensor's name and shape is checked; weights are mapped, not read.
    public init(model folder: URL, backend: any Backend) throws(PipelineError) {
        let model = try ModelFolder(folder)
        self.model = model
        self.backend = backend
        do {
            textEncoder = try Qwen25VLTextEncoder(modelFolder: folder, backend: backend)
            try textEncoder.checkTensors(captioner: model.defaults.captioner ?? true)
            try Self.checkTensors(model)
            transformer = try QwenImageTransformer2DModel(
                configuration: model.transformer, source: model.transformerSource, backend: backend)
            autoencoder = AutoencoderKLQwenImage(
                configuration: model.autoencoder, source: model.autoencoderSource, backend: backend)
        } catch {
            throw PipelineError(wrapping: error)
        }
        let hiddenSize = textEncoder.configuration.text.hiddenSize
        guard hiddenSize == model.transformer.jointAttentionDim else {
            throw .model(
                file: "transformer/config.json",
                problem: "joint_attention_dim is \(model.transformer.jointAttentionDim),"
                    + " but the text encoder gives \(hiddenSize)")
        }
    }

    /// Loads every block on a backend without data, so that a missing
    /// or misshapen tensor shows now and not in the middle of a job.
    private static func checkTensors(_ model: ModelFolder) throws {
        let meter = Meter()
        let transformer = try QwenImageTransformer2DModel(
            configuration: model.transformer, source: model.transformerSource, backend: meter)
        try transformer.loadAll()
        try AutoencoderKLQwenImage(
            configuration: model.autoencoder, source: model.autoencoderSource, backend: meter
        ).load()
    }

    /// What one run may be given besides the picture and the parameters.
    public struct Hooks {
        /// Raised by another thread to stop.
        public var cancellation = Cancellation()
        /// Called on the pipeline's thread.
        public var progress: (PipelineProgress) -> Void = { _ in }
        /// Captions and prompt embeddings of before; nil computes them anew.
        public var textCache: (any TextCache)?
        /// Is shown intermediates.
        public var observer: (any TensorObserver)?
        /// Is shown the composite every few steps; nil makes no previews.
        public var preview: PreviewWatch?

        /// Nothing watches and nothing stops the run.
        public init() {}
    }

    /// Decomposes `picture`.
    ///
    /// - Parameters:
    ///   - latents: the noise, packed, [images * (layers + 1) *
    ///     tokens, channels] row-major; nil draws it from the seed.
    /// - Throws: a `PipelineError`; the pipeline can be used again afterwards.
    public func decompose(
        _ picture: PixelBuffer, parameters: DecompositionParameters, latents: [Float]? = nil, hooks: Hooks = Hooks()
    ) throws(PipelineError) -> Decomposition {
        try parameters.validate()
        let size = try OutputSize(
            resolution: parameters.resolution, pictureWidth: picture.width, pictureHeight: picture.height,
            multiple: model.defaults.sizeMultiple)
        backend.resetPeak()
        defer { backend.releaseUnusedMemory() }
        do {
            let job = LayeredJob(pipeline: self, size: size, parameters: parameters, hooks: hooks)
            return try job.run(picture, latents: latents)
        } catch {
            throw PipelineError(wrapping: error)
        }
    }
}
