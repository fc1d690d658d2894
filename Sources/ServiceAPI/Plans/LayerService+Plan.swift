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
                for: parameters, finish: request.finish, others: nil, width: request.size?.width ?? side,
                height: request.size?.height ?? side)
        } catch {
            throw .pipeline(error)
        }
        exchange.send(Answer.json(manifest))
    }

    /// What a job's memory follows from besides its parameters.
    private struct Subject {
        let finish: LayerFinish
        /// Set if a layer of a result is split.
        let others: OtherLayers?
        /// Of the picture, in pixels.
        let width: Int
        let height: Int
    }

    /// Refuses a job that cannot fit before it is queued, with the nearest one that does.
    ///
    /// Without a limit on memory nothing is forecast here. A picture whose header cannot be read is taken as square:
    /// what is wrong with it is found, and said, when it is decoded. With `split` the picture is a part of a layer.
    func admit(
        _ parameters: DecompositionParameters, finish: LayerFinish, picture: [UInt8], split: SplitWork?
    ) throws(ServiceError) {
        guard decomposer.memoryLimitBytes != nil else { return }
        var options = DecodeOptions()
        options.maximumPixels = configuration.maximumPixels
        let size = try? split?.pictureSize ?? ImageDecoder.size(of: picture, options: options)
        let (width, height) = size ?? (parameters.resolution, parameters.resolution)
        let subject = Subject(finish: finish, others: split?.others, width: width, height: height)
        let asked = try forecast(parameters, subject)
        guard !asked.fits else { return }
        if parameters.needsCaption, decomposer.hasCaptioner {
            // How long a caption will be nobody knows: the job is taken if it fits with a short one.
            var short = parameters
            short.prompt = "a"
            if try forecast(short, subject).fits { return }
        }
        throw .doesNotFit(asked, fitting: try nearest(parameters, subject))
    }

    /// The nearest smaller job that fits; nil if none does.
    private func nearest(
        _ parameters: DecompositionParameters, _ subject: Subject
    ) throws(ServiceError) -> PlanManifest? {
        for smaller in parameters.smallerJobs {
            let plan = try forecast(smaller, subject)
            if plan.fits { return plan }
        }
        return nil
    }

    private func forecast(
        _ parameters: DecompositionParameters, _ subject: Subject
    ) throws(ServiceError) -> PlanManifest {
        do {
            return try decomposer.plan(
                for: parameters, finish: subject.finish, others: subject.others, width: subject.width,
                height: subject.height)
        } catch {
            throw .pipeline(error)
        }
    }
}
