import TensorCore
import Weights

extension LayeredPipeline {
    /// Before a job: chooses the plan that fits the budget, if none was asked for.
    func choosePlan(_ parameters: DecompositionParameters, _ size: OutputSize) throws(PipelineError) {
        guard let request, request.plan == nil, offload.devices.count == 1, let limit = backend.limitBytes else {
            return
        }
        let layout = try model.layout()
        let activations = activationBytes(parameters, size)
        let sizes = layout.components.map(\.byteCount)
        let block = layout.components.flatMap(\.blockLists).map(\.blockBytes).max() ?? 0
        let choices: [(OffloadPlan, Int)] = [
            (.resident, sizes.reduce(0, +)), (.model, sizes.max() ?? 0), (.stream(residentBlocks: nil), 2 * block),
            (.sequential, block),
        ]
        guard let choice = choices.first(where: { $0.1 + activations <= limit }) else {
            throw .placement(
                .budgetTooSmall(
                    device: offload.devices[0].name, plan: nil, limitBytes: limit, smallestBytes: block + activations))
        }
        offload.adopt(choice.0, placement: nil)
    }

    /// Bytes besides weights that the widest stage needs, by a simple count.
    private func activationBytes(_ parameters: DecompositionParameters, _ size: OutputSize) -> Int {
        let tokens = (parameters.layers + 2) * (size.width / 16) * (size.height / 16) + parameters.maxSequenceLength
        let branches = parameters.doTrueCFG ? 2 : 1
        let configuration = model.transformer
        let row = configuration.innerDim * 4
        let modulations = parameters.numInferenceSteps * configuration.numLayers * 12 * row
        let transformer = tokens * row * (branches + 4) + 1024 * row * 6 + modulations
        let autoencoder = size.width * size.height * model.autoencoder.baseDim * 4 * 4
        return max(transformer, autoencoder)
    }
}
