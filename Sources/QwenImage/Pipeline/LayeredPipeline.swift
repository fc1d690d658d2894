import Foundation
import ImageCodecs
import TensorCore
import Weights

/// Splits a picture into RGBA layers: the reference's `QwenImageLayeredPipeline` over one backend, or several.
///
/// Belongs to one thread at a time, the worker that owns the backends.
/// Source: diffusers `pipelines/qwenimage/pipeline_qwenimage_layered.py`, `QwenImageLayeredPipeline.__call__`.
public final class LayeredPipeline {
    /// The folder it was opened from.
    public let model: ModelFolder
    /// Says where weights live.
    public let offload: OffloadManager
    /// What was asked of it; nil if the plan is what the manager was given.
    let request: OffloadRequest?
    /// The model's components and their blocks, with the bytes of them.
    let layout: ModelLayout
    /// The transformer's device, where a job has its latents.
    let backend: any Backend
    let textEncoder: Qwen25VLTextEncoder
    let transformer: QwenImageTransformer2DModel
    let autoencoder: AutoencoderKLQwenImage
    /// Whether the autoencoder takes pictures in tiles.
    public var tiling = VAETiling.auto
    /// What latents look like, once a job that may be watched has run.
    var projection: LatentProjection?

    /// Opens a model folder on one backend. Every tensor's name and shape is checked; weights are mapped, not read.
    public convenience init(model folder: URL, backend: any Backend) throws(PipelineError) {
        try self.init(model: ModelFolder(folder), backend: backend)
    }

    /// As the other, of a model folder that is open already.
    public convenience init(model: ModelFolder, backend: any Backend) throws(PipelineError) {
        try self.init(model: model, offload: OffloadManager(backend), request: nil, layout: model.layout())
    }

    /// As the other, of a folder that is not open yet.
    public convenience init(
        model folder: URL, devices: [OffloadManager.Device], request: OffloadRequest
    ) throws(PipelineError) {
        try self.init(model: ModelFolder(folder), devices: devices, request: request)
    }

    /// Puts a model on devices, its weights placed as a request asks.
    ///
    /// - Parameter devices: those of the request, in its order, their backends bound by its budget.
    /// - Throws: what is wrong with the model, or `placement` if the request does not fit it.
    public convenience init(
        model: ModelFolder, devices: [OffloadManager.Device], request: OffloadRequest
    ) throws(PipelineError) {
        let layout = try model.layout()
        let manager: OffloadManager
        do throws(PlacementError) {
            manager = try OffloadManager(devices: devices, request: request, layout: layout)
        } catch {
            throw .placement(error)
        }
        try self.init(model: model, offload: manager, request: request, layout: layout)
    }

    init(
        model: ModelFolder, offload: OffloadManager, request: OffloadRequest?, layout: ModelLayout
    ) throws(PipelineError) {
        self.layout = layout
        self.model = model
        self.offload = offload
        self.request = request
        backend = offload.root(of: .transformer)
        do {
            textEncoder = try Qwen25VLTextEncoder(
                modelFolder: model.folder, source: model.textEncoderSource, offload: offload)
            let captioner = model.defaults.captioner ?? true
            try textEncoder.checkTensors(captioner: captioner)
            if captioner { try textEncoder.checkCaptioner() }
            try Self.checkTensors(model)
        } catch {
            throw PipelineError(wrapping: error)
        }
        do {
            transformer = try QwenImageTransformer2DModel(
                configuration: model.transformer, source: model.transformerSource, offload: offload)
        } catch {
            let problem = PipelineError(wrapping: error)
            guard case .tensor(.outOfMemory) = problem, let request else { throw problem }
            let planner = JobPlanner(
                model: model, textEncoder: textEncoder.opened, layout: layout, devices: offload.devices,
                request: request, tiling: .auto)
            throw planner.shortageOfUsualJob ?? problem
        }
        autoencoder = AutoencoderKLQwenImage(
            configuration: model.autoencoder, source: model.autoencoderSource, backend: offload.root(of: .vae))
        let hiddenSize = textEncoder.configuration.text.hiddenSize
        guard hiddenSize == model.transformer.jointAttentionDim else {
            throw .model(
                file: "transformer/config.json",
                problem: "joint_attention_dim is \(model.transformer.jointAttentionDim),"
                    + " but the text encoder gives \(hiddenSize)")
        }
    }

    /// Makes forecasts for this model and its devices.
    public var planner: JobPlanner {
        JobPlanner(
            model: model, textEncoder: textEncoder.opened, layout: layout, devices: offload.devices,
            request: request ?? OffloadRequest(plan: offload.plan, devices: offload.devices.map(\.name)),
            tiling: tiling)
    }

    /// The pipeline of a model that is open already on other devices, where nothing is loaded yet.
    init(
        _ model: ModelFolder, _ textEncoder: Qwen25VLTextEncoder.Opened, offload: OffloadManager
    ) throws(WeightsError) {
        self.model = model
        self.offload = offload
        request = nil
        layout = ModelLayout(components: [])
        backend = offload.root(of: .transformer)
        self.textEncoder = Qwen25VLTextEncoder(textEncoder, offload: offload)
        transformer = try QwenImageTransformer2DModel(
            configuration: model.transformer, source: model.transformerSource, offload: offload)
        autoencoder = AutoencoderKLQwenImage(
            configuration: model.autoencoder, source: model.autoencoderSource, backend: offload.root(of: .vae))
    }

    /// Drops the weights that are held on the devices; the next job loads them again.
    public func release() {
        textEncoder.release()
        transformer.release()
        autoencoder.release()
        for device in offload.devices { device.backend.releaseUnusedMemory() }
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
        /// What becomes of the layers, told from the job's forecast, so that a budget of the host has room for it; nil
        /// if nothing does.
        public var finish: ((JobForecast) -> FinishForecast)?

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
        offload.beginJob()
        defer {
            offload.endJob()
            for device in offload.devices { device.backend.releaseUnusedMemory() }
        }
        let usesTiles = try choosePlan(
            parameters, pictureWidth: picture.width, pictureHeight: picture.height, finish: hooks.finish)
        do {
            let job = LayeredJob(
                pipeline: self, size: size, parameters: parameters, hooks: hooks, usesTiles: usesTiles)
            return try job.run(picture, latents: latents)
        } catch {
            throw fitting(PipelineError(wrapping: error), parameters, picture, finish: hooks.finish)
        }
    }
}
