import ImageCodecs
import TensorCore
import Weights

extension LayeredPipeline {
    /// Before a job: takes the first way that fits the budget, of those that were asked for, and says whether the
    /// autoencoder works in tiles. Without a budget nothing is chosen, and nothing forecast.
    ///
    /// Throws `placement(.budgetTooSmall)` or `.hostBudgetTooSmall` with the least that would do.
    ///
    /// - Parameter finish: what becomes of the layers afterwards; nil if nothing does.
    func choosePlan(
        _ parameters: DecompositionParameters, pictureWidth: Int, pictureHeight: Int,
        finish: ((JobForecast) -> FinishForecast)?
    ) throws(PipelineError) -> Bool {
        guard let request, backend.limitBytes ?? request.budget.hostBytes != nil else { return tiling == .on }
        var plan = try planner.plan(
            parameters, pictureWidth: pictureWidth, pictureHeight: pictureHeight, finish: finish)
        if plan.chosen == nil, parameters.needsCaption {
            // How long a caption will be nobody knows: the job is tried if it fits with a short one.
            var short = parameters
            short.prompt = "a"
            plan = try planner.plan(
                short, pictureWidth: pictureWidth, pictureHeight: pictureHeight, finish: finish)
        }
        guard let chosen = plan.chosen else {
            throw .placement(plan.shortage(on: offload.devices[0].name, plan: request.plan))
        }
        // Of a stream it may be left to the budget how many blocks it keeps.
        if request.plan == nil || request.plan == .stream(residentBlocks: nil), offload.devices.count == 1 {
            offload.adopt(chosen.plan, placement: nil)
        }
        return chosen.usesTiles
    }

    /// Says of memory that ran out what would fit, where the limit is known.
    func fitting(
        _ error: PipelineError, _ parameters: DecompositionParameters, _ picture: PixelBuffer,
        finish: ((JobForecast) -> FinishForecast)?
    ) -> PipelineError {
        guard case .outOfMemory(let stage, let cause, _) = error, backend.limitBytes != nil else { return error }
        let planner = planner
        let smaller = parameters.smallerJobs.first { job in
            let plan = try? planner.plan(
                job, pictureWidth: picture.width, pictureHeight: picture.height, finish: finish)
            return plan?.chosen != nil
        }
        guard let smaller else { return error }
        return .outOfMemory(
            stage: stage, cause: cause,
            fitting: "resolution \(smaller.resolution) with \(smaller.layers) layers would fit")
    }
}

extension JobPlanner {
    /// What the budget is short of for a job of the model's own defaults, where it does not even do for opening the
    /// model; nil if it would do, or nothing can be told.
    var shortageOfUsualJob: PipelineError? {
        guard let usual = try? model.parameters(for: DecompositionOptions()),
            let plan = try? plan(usual, pictureWidth: usual.resolution, pictureHeight: usual.resolution),
            plan.chosen == nil, plan.smallest != nil
        else { return nil }
        return .placement(plan.shortage(on: devices[0].name, plan: request.plan))
    }
}
