import HTTPTransport
import ImageCodecs
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
                for: parameters, width: request.size?.width ?? side, height: request.size?.height ?? side)
        } catch {
            throw .pipeline(error)
        }
        exchange.send(Answer.json(manifest))
    }

    /// Refuses a job that cannot fit before it is queued, with the nearest one that does.
    ///
    /// Without a limit on memory nothing is forecast here. A picture whose header cannot be read is taken as square:
    /// what is wrong with it is found, and said, when it is decoded.
    func admit(_ parameters: DecompositionParameters, picture: [UInt8]) throws(ServiceError) {
        guard decomposer.memoryLimitBytes != nil else { return }
        var options = DecodeOptions()
        options.maximumPixels = configuration.maximumPixels
        let size = try? ImageDecoder.size(of: picture, options: options)
        let (width, height) = size ?? (parameters.resolution, parameters.resolution)
        let asked = try forecast(parameters, width, height)
        guard !asked.fits else { return }
        if parameters.needsCaption, decomposer.hasCaptioner {
            // How long a caption will be nobody knows: the job is taken if it fits with a short one.
            var short = parameters
            short.prompt = "a"
            if try forecast(short, width, height).fits { return }
        }
        throw .doesNotFit(asked, fitting: try nearest(parameters, width, height))
    }

    /// The nearest smaller job that fits; nil if none does.
    private func nearest(
        _ parameters: DecompositionParameters, _ width: Int, _ height: Int
    ) throws(ServiceError) -> PlanManifest? {
        for smaller in parameters.smallerJobs {
            let plan = try forecast(smaller, width, height)
            if plan.fits { return plan }
        }
        return nil
    }

    private func forecast(
        _ parameters: DecompositionParameters, _ width: Int, _ height: Int
    ) throws(ServiceError) -> PlanManifest {
        do {
            return try decomposer.plan(for: parameters, width: width, height: height)
        } catch {
            throw .pipeline(error)
        }
    }
}
