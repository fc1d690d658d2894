import Foundation
import ImageCodecs
import QwenImage
import ServiceAPI
import Synchronization
import TensorCore
import Weights

/// The engine as the service knows it: one pipeline, one job at a time.
final class PipelineDecomposer: LayerDecomposer {
    let modelName: String
    let hasCaptioner: Bool
    private let defaults: ModelDefaults
    private let cache: ContentCache
    /// The service asks from one serial queue, so nobody ever waits for this; it makes the promise hold.
    private let pipeline: Mutex<LayeredPipeline>

    /// Opens a model folder; throws if anything in it is not as the engine needs it.
    init(
        model folder: URL, devices: [OffloadManager.Device], request: OffloadRequest, cacheBytes: Int
    ) throws(PipelineError) {
        let pipeline = try LayeredPipeline(model: folder, devices: devices, request: request)
        modelName = folder.lastPathComponent
        defaults = pipeline.model.defaults
        hasCaptioner = pipeline.model.defaults.captioner ?? true
        cache = ContentCache(limitBytes: cacheBytes)
        self.pipeline = Mutex(pipeline)
    }

    var caches: [CacheFigures] { cache.figures }

    func parameters(for options: DecompositionOptions) throws(PipelineError) -> DecompositionParameters {
        try options.resolved(with: defaults)
    }

    func decompose(
        _ picture: PixelBuffer, parameters: DecompositionParameters, cancellation: Cancellation,
        preview: PreviewWatch, progress: @escaping @Sendable (PipelineProgress) -> Void
    ) throws(PipelineError) -> Decomposition {
        try pipeline.withLock { (pipeline) throws(PipelineError) in
            var hooks = LayeredPipeline.Hooks()
            hooks.cancellation = cancellation
            hooks.progress = progress
            hooks.textCache = cache
            hooks.preview = preview
            return try pipeline.decompose(picture, parameters: parameters, hooks: hooks)
        }
    }
}
