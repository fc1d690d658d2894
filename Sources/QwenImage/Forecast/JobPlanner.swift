import TensorCore
import Weights

/// Makes forecasts of jobs for one model and its devices, from any thread, also while a job runs.
public struct JobPlanner: Sendable {
    let model: ModelFolder
    let textEncoder: Qwen25VLTextEncoder.Opened
    let layout: ModelLayout
    let devices: [OffloadManager.Device]
    let request: OffloadRequest
    let tiling: VAETiling

    /// What a rehearsal may hold.
    public enum Limits: Sendable, Hashable {
        /// As much as the devices themselves.
        case ofDevices
        /// Anything.
        case none
        /// So many bytes on each device.
        case bytes(Int)
    }

    /// One way to do a job.
    struct Way: Sendable, Hashable {
        let plan: OffloadPlan
        let usesTiles: Bool

        /// For a forecast without limits, where nothing is given up for lack of room: a stream would keep all that it
        /// has read.
        var keepingLeast: Way {
            Way(plan: plan == .stream(residentBlocks: nil) ? .stream(residentBlocks: 0) : plan, usesTiles: usesTiles)
        }
    }

    /// The limit of the first device, where there is one.
    public var limitBytes: Int? { limit(of: devices[0], .ofDevices) }

    /// What the job may hold on the host in all; nil for any.
    public var hostLimitBytes: Int? { request.budget.hostBytes }

    private func limit(of device: OffloadManager.Device, _ limits: Limits) -> Int? {
        switch limits {
        case .ofDevices: device.backend.limitBytes
        case .none: nil
        case .bytes(let count): count
        }
    }

    /// What a job will take, without doing it: a rehearsal of the same code on shapes, with the plan that was asked for
    /// or, if none was, with everything resident.
    ///
    /// The model is taken as not yet loaded, so that the weights of each component count where they are first used.
    /// Takes a fraction of a second and no memory to speak of.
    ///
    /// - Parameters:
    ///   - pictureWidth: of the picture, in pixels; the layers have its aspect.
    ///   - pictureHeight: the same.
    /// - Throws: a `PipelineError`: a parameter out of range, or `outOfMemory` beyond the limits.
    public func forecast(
        _ parameters: DecompositionParameters, pictureWidth: Int, pictureHeight: Int, limits: Limits = .none
    ) throws(PipelineError) -> JobForecast {
        let way = Way(plan: request.plan ?? plans[0], usesTiles: tiling == .on)
        return try forecast(parameters, pictureWidth, pictureHeight, way, limits)
    }

    /// Chooses how a job is done: the fastest way that keeps to the limits, the host's among them where they are those
    /// of the devices.
    ///
    /// - Parameter finish: what becomes of the layers, which takes memory of the host alone; nil if nothing does.
    /// - Throws: a `PipelineError` for parameters out of range; that nothing fits is no error here.
    public func plan(
        _ parameters: DecompositionParameters, pictureWidth: Int, pictureHeight: Int, limits: Limits = .ofDevices,
        finish: ((JobForecast) -> FinishForecast)? = nil
    ) throws(PipelineError) -> PlanForecast {
        let hostLimit = limits == .ofDevices ? hostLimitBytes : nil
        var candidates: [PlanCandidate] = []
        func forecast() -> PlanForecast {
            PlanForecast(
                candidates: candidates, budgetBytes: limit(of: devices[0], limits), hostBudgetBytes: hostLimit)
        }
        func weigh(_ way: Way) throws(PipelineError) -> PlanCandidate {
            var candidate = try candidate(way, parameters, pictureWidth, pictureHeight, limits)
            candidate.add(finish, hostLimitBytes: hostLimit, isHost: isHost)
            return candidate
        }
        for plan in plans {
            // Tiles come where the whole picture is what does not fit.
            var tiles = tiling == .on
            while true {
                let candidate = try roomier(try weigh(Way(plan: plan, usesTiles: tiles)), weigh)
                candidates.append(candidate)
                let size = try OutputSize(
                    resolution: parameters.resolution, pictureWidth: pictureWidth, pictureHeight: pictureHeight,
                    multiple: model.defaults.sizeMultiple)
                guard let refusal = candidate.refusal else { return forecast() }
                // With the last plan they also tell the least that would do, whatever else is too much earlier.
                let widest = plan == plans.last ? candidate.forecast?.widestStage?.stage : nil
                guard !tiles, tiling == .auto, Self.isOfPicture(refusal.stage) || Self.isOfPicture(widest),
                    AutoencoderTiling.reference.applies(width: size.width, height: size.height)
                else { break }
                tiles = true
            }
        }
        return forecast()
    }

    private static func isOfPicture(_ stage: PipelineStage?) -> Bool { stage == .encodeImage || stage == .decode }

    /// A stream fills its device with blocks that it keeps. Where that is the host, the host's arrays come on top: a
    /// way that they are too much for becomes one that keeps as many blocks of each model as leave room for them.
    private func roomier(
        _ full: PlanCandidate, _ weigh: (Way) throws(PipelineError) -> PlanCandidate
    ) throws(PipelineError) -> PlanCandidate {
        guard full.plan == .stream(residentBlocks: nil), isHost, full.refusal?.place == .host else { return full }
        func keeping(_ blocks: Int) throws(PipelineError) -> PlanCandidate {
            try weigh(Way(plan: .stream(residentBlocks: blocks), usesTiles: full.usesTiles))
        }
        var best = try keeping(0)
        guard best.refusal == nil else {
            return PlanCandidate(
                plan: full.plan, usesTiles: full.usesTiles, forecast: best.forecast, refusal: best.refusal)
        }
        var fitting = 0
        var tooMany = layout.components.flatMap(\.blockLists).map(\.count).max() ?? 0
        while tooMany - fitting > 1 {
            let middle = (fitting + tooMany) / 2
            let candidate = try keeping(middle)
            if candidate.refusal == nil { (best, fitting) = (candidate, middle) } else { tooMany = middle }
        }
        return best
    }

    /// True if what the devices hold is the host's.
    private var isHost: Bool { devices.allSatisfy { $0.name.kind == .cpu } }

    /// The plans that may be taken, the fastest first.
    private var plans: [OffloadPlan] {
        if let plan = request.plan { return [plan] }
        return devices.count > 1 ? [.balanced] : [.resident, .model, .stream(residentBlocks: nil), .sequential]
    }

    private func candidate(
        _ way: Way, _ parameters: DecompositionParameters, _ width: Int, _ height: Int, _ limits: Limits
    ) throws(PipelineError) -> PlanCandidate {
        do throws(PipelineError) {
            let forecast = try forecast(parameters, width, height, way, limits)
            return PlanCandidate(plan: way.plan, usesTiles: way.usesTiles, forecast: forecast, refusal: nil)
        } catch .outOfMemory(let stage, let cause, _) {
            let free = try forecast(parameters, width, height, way.keepingLeast, .none)
            let needed = free.stages.first { $0.stage == stage }?.peakTensorBytes ?? free.peakTensorBytes
            var limit: Int?
            if case .outOfMemory(_, _, _, let bytes) = cause { limit = bytes }
            return PlanCandidate(
                plan: way.plan, usesTiles: way.usesTiles, forecast: free,
                refusal: PlanRefusal(place: .device, stage: stage, neededBytes: needed, limitBytes: limit))
        } catch .tensor(.outOfMemory(_, _, _, let limit)) {
            // Not even what all stages need fits: weights outside of blocks.
            let free = try forecast(parameters, width, height, way.keepingLeast, .none)
            return PlanCandidate(
                plan: way.plan, usesTiles: way.usesTiles, forecast: free,
                refusal: PlanRefusal(
                    place: .device, stage: free.widestStage?.stage, neededBytes: free.peakTensorBytes,
                    limitBytes: limit))
        }
    }

    private func forecast(
        _ parameters: DecompositionParameters, _ width: Int, _ height: Int, _ way: Way, _ limits: Limits
    ) throws(PipelineError) -> JobForecast {
        try parameters.validate()
        let size = try OutputSize(
            resolution: parameters.resolution, pictureWidth: width, pictureHeight: height,
            multiple: model.defaults.sizeMultiple)
        let process = ProcessMeter()
        let meters = devices.map {
            Meter(
                over: $0.backend.rehearsal(limitBytes: limit(of: $0, limits)), process: process,
                isHost: $0.name.kind == .cpu)
        }
        var asked = request
        asked.plan = way.plan
        do {
            let offload = try OffloadManager(
                devices: zip(devices, meters).map { OffloadManager.Device(name: $0.name, backend: $1) },
                request: asked, layout: layout)
            let pipeline = try LayeredPipeline(model, textEncoder, offload: offload)
            let job = LayeredJob(
                pipeline: pipeline, size: size, parameters: parameters, hooks: LayeredPipeline.Hooks(),
                usesTiles: way.usesTiles)
            let picture = OutputSize(width: width, height: height)
            return try JobRehearsal(job, meters: meters, process: process, picture: picture).run()
        } catch {
            throw PipelineError(wrapping: error)
        }
    }
}
