import CPUBackend
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
    private let planner: JobPlanner
    private let rates: RateSource
    private let device: String
    private let precision: String
    let memoryLimitBytes: Int?
    /// The service asks from one serial queue, so nobody ever waits for this; it makes the promise hold.
    private let pipeline: Mutex<LayeredPipeline>

    /// Opens a model folder; throws if anything in it is not as the engine needs it.
    ///
    /// - Parameters:
    ///   - devices: those of the request, with their budgets.
    ///   - machine: how they compute, for the rates of forecasts.
    init(
        model folder: URL, devices: [OffloadManager.Device], request: OffloadRequest, tiling: VAETiling,
        machine: RateSource.Machine, cacheBytes: Int
    ) throws(PipelineError) {
        let pipeline = try LayeredPipeline(model: folder, devices: devices, request: request)
        pipeline.tiling = tiling
        modelName = folder.lastPathComponent
        defaults = pipeline.model.defaults
        hasCaptioner = pipeline.model.defaults.captioner ?? true
        cache = ContentCache(limitBytes: cacheBytes)
        planner = pipeline.planner
        rates = RateSource(model: pipeline.model, machine)
        device = request.devices.map(\.description).joined(separator: ",")
        precision = machine.precision.rawValue
        memoryLimitBytes = planner.limitBytes
        self.pipeline = Mutex(pipeline)
    }

    var caches: [CacheFigures] { cache.figures }

    func parameters(for options: DecompositionOptions) throws(PipelineError) -> DecompositionParameters {
        try options.resolved(with: defaults)
    }

    func plan(
        for parameters: DecompositionParameters, width: Int, height: Int
    ) throws(PipelineError) -> PlanManifest {
        let plan = try planner.plan(parameters, pictureWidth: width, pictureHeight: height)
        return PlanManifest(
            plan, parameters: parameters, model: modelName, device: device, precision: precision, rates: rates.rates)
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
