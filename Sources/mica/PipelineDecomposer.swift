import CPUBackend
import Foundation
import ImageCodecs
import LayerFitting
import QwenImage
import ServiceAPI
import Synchronization
import TensorCore
import Weights

/// The engine as the service knows it: one pipeline, one job at a time.
final class PipelineDecomposer: LayerDecomposer {
    let modelName: String
    let loras: [LoRA]
    let hasCaptioner: Bool
    let others: [any LayerDecomposer]
    private let defaults: ModelDefaults
    private let cache: ContentCache
    private let planner: JobPlanner
    private let rates: RateSource
    private let device: String
    private let precision: String
    let memoryLimitBytes: Int?
    private let open: @Sendable () throws -> Engine
    /// The service asks from one serial queue, so nobody ever waits for this; it makes the promise hold.
    private let engine: Mutex<Engine>

    /// A pipeline and the devices that it computes on.
    private struct Engine {
        let pipeline: LayeredPipeline
        let devices: [OffloadManager.Device]
    }

    /// Takes an open model to devices; throws if anything in it is not as the engine needs it, or a device cannot be
    /// used.
    ///
    /// - Parameters:
    ///   - machine: how the devices compute, for the rates of forecasts.
    ///   - cache: of captions and prompt embeddings, which several engines may share.
    ///   - others: engines on further devices.
    ///   - devices: opens those of the request, with their budgets; called again after one of them was lost.
    init(
        model: ModelFolder, request: OffloadRequest, tiling: VAETiling, machine: RateSource.Machine,
        cache: ContentCache,
        others: [any LayerDecomposer] = [], devices: @escaping @Sendable () throws -> [OffloadManager.Device]
    ) throws {
        open = {
            let devices = try devices()
            let pipeline = try LayeredPipeline(model: model, devices: devices, request: request)
            pipeline.tiling = tiling
            return Engine(pipeline: pipeline, devices: devices)
        }
        let engine = try open()
        let pipeline = engine.pipeline
        modelName = model.folder.lastPathComponent
        loras = model.loras
        defaults = pipeline.model.defaults
        hasCaptioner = pipeline.model.defaults.captioner ?? true
        self.cache = cache
        self.others = others
        planner = pipeline.planner
        rates = RateSource(model: pipeline.model, machine)
        device = request.devices.map(\.description).joined(separator: ",")
        precision = machine.compute.rawValue
        memoryLimitBytes = planner.limitBytes
        self.engine = Mutex(engine)
    }

    var caches: [CacheFigures] { cache.figures }

    func parameters(for options: DecompositionOptions) throws(PipelineError) -> DecompositionParameters {
        try options.resolved(with: defaults)
    }

    func plan(
        for parameters: DecompositionParameters, finish: LayerFinish, width: Int, height: Int
    ) throws(PipelineError) -> PlanManifest {
        var plan = try planner.plan(parameters, pictureWidth: width, pictureHeight: height)
        plan.add(finish, for: parameters, width: width, height: height, hostLimitBytes: planner.hostLimitBytes)
        return PlanManifest(
            plan, parameters: parameters, model: modelName, device: device, precision: precision, rates: rates.rates)
    }

    func decompose(
        _ picture: PixelBuffer, parameters: DecompositionParameters, cancellation: Cancellation,
        preview: PreviewWatch, progress: @escaping @Sendable (PipelineProgress) -> Void
    ) throws(PipelineError) -> Decomposition {
        try engine.withLock { (engine) throws(PipelineError) in
            // A job that loses its device fails; the next one finds a new engine, and the process goes on.
            if engine.devices.contains(where: { $0.backend.isLost }), let new = try? open() { engine = new }
            var hooks = LayeredPipeline.Hooks()
            hooks.cancellation = cancellation
            hooks.progress = progress
            hooks.textCache = cache
            hooks.preview = preview
            return try engine.pipeline.decompose(picture, parameters: parameters, hooks: hooks)
        }
    }
}
