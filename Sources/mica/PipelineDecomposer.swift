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
    private let model: ModelFolder
    private let cache: ContentCache
    private let rates: RateSource
    private let device: String
    private let precision: String
    private let open: @Sendable () throws -> Engine
    private let onFault: @Sendable () -> Void
    /// Held while a job runs: jobs come from one serial queue, forecasts wait here only for devices that were lost.
    private let engine: Mutex<Engine>
    /// What others may look at while a job runs.
    private let current: Mutex<Current>

    /// A pipeline and the devices that it computes on.
    private struct Engine {
        let pipeline: LayeredPipeline
        let devices: [OffloadManager.Device]
        /// How often devices were lost since a job last succeeded.
        var losses = 0

        var lost: OffloadManager.Device? { devices.first { $0.backend.isLost } }
    }

    private struct Current {
        var planner: JobPlanner
        var devices: [OffloadManager.Device]
        /// What all jobs are answered from then on.
        var fault: TensorError?
    }

    /// A device that is lost so often with no job done between is taken for broken: what lasts is for a new process.
    private static let lossLimit = 3

    /// Takes an open model to devices; throws if anything in it is not as the engine needs it, or a device cannot be
    /// used.
    ///
    /// - Parameters:
    ///   - machine: how the devices compute, for the rates of forecasts.
    ///   - cache: of captions and prompt embeddings, which several engines may share.
    ///   - others: engines on further devices.
    ///   - onFault: called once `fault` is there.
    ///   - devices: opens those of the request, with their budgets; called again after one of them was lost.
    init(
        model: ModelFolder, request: OffloadRequest, tiling: VAETiling, machine: RateSource.Machine,
        cache: ContentCache, others: [any LayerDecomposer] = [], onFault: @escaping @Sendable () -> Void,
        devices: @escaping @Sendable () throws -> [OffloadManager.Device]
    ) throws {
        self.onFault = onFault
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
        self.model = pipeline.model
        hasCaptioner = pipeline.model.defaults.captioner ?? true
        self.cache = cache
        self.others = others
        current = Mutex(Current(planner: pipeline.planner, devices: engine.devices))
        rates = RateSource(model: pipeline.model, machine, card: PlanDevices.card(of: engine.devices))
        device = request.devices.map(\.description).joined(separator: ",")
        precision = machine.compute.rawValue
        self.engine = Mutex(engine)
    }

    var caches: [CacheFigures] { cache.figures }

    var memoryLimitBytes: Int? { current.withLock { $0.planner.limitBytes } }

    var fault: String? { current.withLock { $0.fault?.description } }

    func parameters(for options: DecompositionOptions) throws(PipelineError) -> DecompositionParameters {
        try model.parameters(for: options)
    }

    func plan(
        for parameters: DecompositionParameters, finish: LayerFinish, others: OtherLayers?, width: Int, height: Int
    ) throws(PipelineError) -> PlanManifest {
        let planner = try planner()
        let plan = try planner.plan(parameters, pictureWidth: width, pictureHeight: height) {
            FinishForecast(
                finish, of: $0, for: parameters, others: others, width: width, height: height,
                flatRegions: self.model.defaults.flatRegions ?? false)
        }
        return PlanManifest(
            plan, parameters: parameters, model: modelName, device: device, precision: precision, rates: rates.rates)
    }

    func decompose(
        _ picture: PixelBuffer, parameters: DecompositionParameters, finish: LayerFinish, others: OtherLayers?,
        cancellation: Cancellation, preview: PreviewWatch, progress: @escaping @Sendable (PipelineProgress) -> Void
    ) throws(PipelineError) -> Decomposition {
        try engine.withLock { (engine) throws(PipelineError) in
            try reopen(&engine)
            var hooks = LayeredPipeline.Hooks()
            hooks.cancellation = cancellation
            hooks.progress = progress
            hooks.textCache = cache
            hooks.preview = preview
            hooks.finish = {
                FinishForecast(
                    finish, of: $0, for: parameters, others: others, width: picture.width, height: picture.height,
                    flatRegions: self.model.defaults.flatRegions ?? false)
            }
            do throws(PipelineError) {
                let result = try engine.pipeline.decompose(picture, parameters: parameters, hooks: hooks)
                engine.losses = 0
                return result
            } catch {
                // At once, so that the service knows before the next job comes whether there will be one.
                try? reopen(&engine)
                throw error
            }
        }
    }

    /// What forecasts are made with: over devices that are there, since those that were lost answer nothing.
    private func planner() throws(PipelineError) -> JobPlanner {
        let (planner, devices) = current.withLock { ($0.planner, $0.devices) }
        guard devices.contains(where: { $0.backend.isLost }) else { return planner }
        return try engine.withLock { (engine) throws(PipelineError) in
            try reopen(&engine)
            return engine.pipeline.planner
        }
    }

    /// Opens devices anew of which one was lost; the job that lost it has failed, and the process goes on.
    ///
    /// - Throws: `deviceUnusable` if that cannot be done, now and from then on.
    private func reopen(_ engine: inout Engine) throws(PipelineError) {
        guard let lost = engine.lost else { return }
        if let fault = current.withLock({ $0.fault }) { throw .tensor(fault) }
        let losses = engine.losses + 1
        guard losses < Self.lossLimit else {
            throw broken(lost, "it was lost \(losses) times with no job done between")
        }
        do {
            // Devices that are there may hold what they have free without the weights of before.
            engine.pipeline.release()
            var new = try open()
            new.losses = losses
            engine = new
        } catch {
            throw broken(lost, "it cannot be opened again (\(error))")
        }
        let (planner, devices) = (engine.pipeline.planner, engine.devices)
        current.withLock { ($0.planner, $0.devices) = (planner, devices) }
    }

    /// Keeps the reason, and tells of it; called once.
    private func broken(_ device: OffloadManager.Device, _ problem: String) -> PipelineError {
        let fault = TensorError.deviceUnusable(device: device.name.description, problem: problem)
        current.withLock { $0.fault = fault }
        onFault()
        return .tensor(fault)
    }
}
