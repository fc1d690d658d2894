import TensorCore

extension LayeredPipeline {
    /// What a job will take on this pipeline's backend, without doing it: a rehearsal of the same code on shapes.
    ///
    /// The model is taken as not yet loaded, so that the weights of each component count where they are first used.
    /// Takes a fraction of a second and no memory to speak of; may be called from any thread.
    ///
    /// - Parameters:
    ///   - pictureWidth: of the picture, in pixels; the layers have its aspect.
    ///   - pictureHeight: the same.
    ///   - limitBytes: the budget of the device, at which the rehearsal fails as the job would; nil for none.
    /// - Throws: a `PipelineError`: a parameter out of range, or `tensor(.outOfMemory)`.
    public func forecast(
        _ parameters: DecompositionParameters, pictureWidth: Int, pictureHeight: Int, limitBytes: Int? = nil
    ) throws(PipelineError) -> JobForecast {
        try parameters.validate()
        let size = try OutputSize(
            resolution: parameters.resolution, pictureWidth: pictureWidth, pictureHeight: pictureHeight)
        let meter = Meter(over: backend.rehearsal(limitBytes: limitBytes))
        do {
            let pipeline = try LayeredPipeline(self, on: meter)
            let job = LayeredJob(pipeline: pipeline, size: size, parameters: parameters, hooks: Hooks())
            let rehearsal = JobRehearsal(job, meter: meter, pictureBytes: pictureWidth * pictureHeight * 4)
            return try rehearsal.run()
        } catch {
            throw PipelineError(wrapping: error)
        }
    }
}
