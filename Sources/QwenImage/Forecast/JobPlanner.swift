import TensorCore
import Weights

/// Makes forecasts of jobs for one model and device, from any thread, also while a job runs.
public struct JobPlanner: Sendable {
    let model: ModelFolder
    let textEncoder: Qwen25VLTextEncoder.Opened
    let backend: any Backend
    let tiling: VAETiling

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
