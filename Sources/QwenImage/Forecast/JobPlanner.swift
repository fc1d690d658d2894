import TensorCore
import Weights

/// Makes forecasts of jobs for one model and device, from any thread, also while a job runs.
public struct JobPlanner: Sendable {
    let model: ModelFolder
    let textEncoder: Qwen25VLTextEncoder.Opened
    let backend: any Backend
    let tiling: VAETiling

    /// Chooses how a job is done within a budget.
    ///
    /// - Parameter budgetBytes: what the device may hold; nil for no limit, which takes the first way.
    /// - Throws: a `PipelineError` for parameters out of range; that nothing fits is no error here.
    public func plan(
        _ parameters: DecompositionParameters, pictureWidth: Int, pictureHeight: Int, budgetBytes: Int?
    ) throws(PipelineError) -> PlanForecast {
        var candidates: [PlanCandidate] = []
        for usesTiles in tileChoices(parameters, pictureWidth, pictureHeight) {
            func forecast(within limit: Int?) throws(PipelineError) -> JobForecast {
                try self.forecast(
                    parameters, pictureWidth: pictureWidth, pictureHeight: pictureHeight,
                    tiling: usesTiles ? .on : .off, limitBytes: limit)
            }
            do throws(PipelineError) {
                let fitting = try forecast(within: budgetBytes)
                candidates.append(
                    PlanCandidate(plan: .resident, usesTiles: usesTiles, forecast: fitting, refusal: nil))
                break
            } catch .outOfMemory(let stage, _, _) {
                let free = try forecast(within: nil)
                let needed = free.stages.first { $0.stage == stage }?.peakTensorBytes ?? free.peakTensorBytes
                candidates.append(
                    PlanCandidate(
                        plan: .resident, usesTiles: usesTiles, forecast: free,
                        refusal: "\(stage.rawValue) needs \(ByteCount(needed)), more than"
                            + " \(ByteCount(budgetBytes ?? 0))"))
            }
        }
        return PlanForecast(candidates: candidates, budgetBytes: budgetBytes)
    }

    /// Whole pictures before tiles, and neither where it makes no difference.
    private func tileChoices(_ parameters: DecompositionParameters, _ width: Int, _ height: Int) -> [Bool] {
        switch tiling {
        case .on: return [true]
        case .off: return [false]
        case .auto:
            let size = try? OutputSize(
                resolution: parameters.resolution, pictureWidth: width, pictureHeight: height)
            let applies = size.map { AutoencoderTiling.reference.applies(width: $0.width, height: $0.height) } ?? false
            return applies ? [false, true] : [false]
        }
    }

    /// What a job will take, without doing it: a rehearsal of the same code on shapes.
    ///
    /// The model is taken as not yet loaded, so that the weights of each component count where they are first used.
    /// Takes a fraction of a second and no memory to speak of.
    ///
    /// - Parameters:
    ///   - pictureWidth: of the picture, in pixels; the layers have its aspect.
    ///   - pictureHeight: the same.
    ///   - tiling: how the autoencoder takes its pictures; nil as the planner was made.
    ///   - limitBytes: the budget of the device, at which the rehearsal fails as the job would; nil for none.
    /// - Throws: a `PipelineError`: a parameter out of range, or `outOfMemory`.
    public func forecast(
        _ parameters: DecompositionParameters, pictureWidth: Int, pictureHeight: Int, tiling: VAETiling? = nil,
        limitBytes: Int? = nil
    ) throws(PipelineError) -> JobForecast {
        try parameters.validate()
        let size = try OutputSize(
            resolution: parameters.resolution, pictureWidth: pictureWidth, pictureHeight: pictureHeight)
        let meter = Meter(over: backend.rehearsal(limitBytes: limitBytes))
        do {
            let pipeline = try LayeredPipeline(model, textEncoder, on: meter)
            pipeline.tiling = tiling ?? self.tiling
            let job = LayeredJob(
                pipeline: pipeline, size: size, parameters: parameters, hooks: LayeredPipeline.Hooks())
            let rehearsal = JobRehearsal(job, meter: meter, pictureBytes: pictureWidth * pictureHeight * 4)
            return try rehearsal.run()
        } catch {
            throw PipelineError(wrapping: error)
        }
    }
}
