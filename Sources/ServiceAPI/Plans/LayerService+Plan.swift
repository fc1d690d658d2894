import HTTPTransport
import ImageCodecs
import LayerFitting
import QwenImage

/// Forecasts: asked for by themselves, and made before a job is taken.
extension LayerService {
    /// Answers what a job would take. That it fits nowhere is an answer too.
    func answerPlan(_ exchange: ServiceExchange) throws(ServiceError) {
        let request = try PlanRequest(
            exchange.request.head, body: exchange.request.body, maximumPixels: configuration.maximumPixels)
        let manifest: PlanManifest
        do {
            let parameters = try decomposer.parameters(for: request.options)
            let side = parameters.resolution
            manifest = try decomposer.plan(
                for: parameters, finish: request.finish, width: request.size?.width ?? side,
                height: request.size?.height ?? side)
        } catch {
            throw .pipeline(error)
        }
        exchange.send(Answer.json(manifest))
    }

    /// Refuses a job that cannot fit before it is queued, with the nearest one that does.
    ///
    /// Without a limit on memory nothing is forecast here. A picture whose header cannot be read is taken as square:
    /// what is wrong with it is found, and said, when it is decoded.
    func admit(
        _ parameters: DecompositionParameters, finish: LayerFinish, picture: [UInt8]
    ) throws(ServiceError) {
        guard decomposer.memoryLimitBytes != nil else { return }
        var options = DecodeOptions()
        options.maximumPixels = configuration.maximumPixels
        let size = try? ImageDecoder.size(of: picture, options: options)
        let (width, height) = size ?? (parameters.resolution, parameters.resolution)
        let asked = try forecast(parameters, finish, width, height)
        guard !asked.fits else { return }
        if parameters.needsCaption, decomposer.hasCaptioner {
            // How long a caption will be nobody knows: the job is taken if it fits with a short one.
            var short = parameters
            short.prompt = "a"
            if try forecast(short, finish, width, height).fits { return }
        }
        throw .doesNotFit(asked, fitting: try nearest(parameters, finish, width, height))
    }

    /// The nearest smaller job that fits; nil if none does.
    private func nearest(
        _ parameters: DecompositionParameters, _ finish: LayerFinish, _ width: Int, _ height: Int
    ) throws(ServiceError) -> PlanManifest? {
        for smaller in parameters.smallerJobs {
            let plan = try forecast(smaller, finish, width, height)
            if plan.fits { return plan }
        }
        return nil
    }

    private func forecast(
        _ parameters: DecompositionParameters, _ finish: LayerFinish, _ width: Int, _ height: Int
    ) throws(ServiceError) -> PlanManifest {
        do {
            return try decomposer.plan(for: parameters, finish: finish, width: width, height: height)
        } catch {
            throw .pipeline(error)
        }
    }
}
