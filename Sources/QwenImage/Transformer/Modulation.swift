import TensorCore
import Weights

/// Shift, scale and gate of one half of a block for one stream, each [innerDim].
struct ModulationPart: Sendable {
    let shift: Tensor
    let scale: Tensor
    let gate: Tensor

    /// Cuts a row of `3 * dim` values in the order shift, scale, gate.
    init(_ row: Tensor, dim: Int) {
        let parts = row.reshaped([3, dim])
        shift = parts.row(0)
        scale = parts.row(1)
        gate = parts.row(2)
    }
}

/// The modulation of one stream in one block at one step: before attention and before the feed-forward layer.
struct StreamModulation: Sendable {
    let attention: ModulationPart
    let mlp: ModulationPart

    /// - Parameter row: [6 * dim], the output of `img_mod` or `txt_mod`.
    init(_ row: Tensor, dim: Int) {
        let halves = row.reshaped([2, 3 * dim])
        attention = ModulationPart(halves.row(0), dim: dim)
        mlp = ModulationPart(halves.row(1), dim: dim)
    }
}

/// All modulations of a schedule, computed before the first step.
///
/// `img_mod` and `txt_mod` are a third of the transformer's weights and see nothing but the time conditioning, which is
/// known for all steps beforehand and is the same for both guidance branches: one product of `steps` rows a block,
/// after which their weights are not needed again.
struct ScheduleModulation: Sendable {
    /// By block, [steps, 6 * dim].
    private let image: [Tensor]
    private let text: [Tensor]
    /// [steps, 2 * dim]: scale, then shift.
    private let output: Tensor
    private let dim: Int

    /// - Parameters:
    ///   - conditioning: [steps, dim] float32, see `TimestepEmbedding`.
    ///   - weights: the root of the transformer's checkpoint.
    ///   - progress: called after each block.
    init(
        conditioning: Tensor, weights: WeightScope, configuration: TransformerConfiguration, backend: any Backend,
        progress: (Int) throws(WeightsError) -> Void = { _ throws(WeightsError) in }
    ) throws(WeightsError) {
        dim = configuration.innerDim
        let activated = try WeightsError.converting { () throws(TensorError) in
            try backend.activate(conditioning, .silu)
        }
        func evaluate(_ scope: WeightScope, parts: Int) throws(WeightsError) -> Tensor {
            let layer = try scope.linear(
                inFeatures: configuration.innerDim, outFeatures: parts * configuration.innerDim)
            return try WeightsError.converting { () throws(TensorError) in try backend.linear(activated, layer) }
        }
        var image: [Tensor] = []
        var text: [Tensor] = []
        for index in 0..<configuration.numLayers {
            let block = weights["transformer_blocks"][index]
            image.append(try evaluate(block["img_mod"][1], parts: 6))
            text.append(try evaluate(block["txt_mod"][1], parts: 6))
            try progress(index + 1)
        }
        self.image = image
        self.text = text
        output = try evaluate(weights["norm_out"]["linear"], parts: 2)
    }

    /// The image stream's modulation in a block at a step.
    func image(block: Int, step: Int) -> StreamModulation { StreamModulation(image[block].row(step), dim: dim) }

    /// The text stream's modulation in a block at a step.
    func text(block: Int, step: Int) -> StreamModulation { StreamModulation(text[block].row(step), dim: dim) }

    /// The last norm's scale and shift at a step, each [dim]. Scale
    /// comes first here (AdaLayerNormContinuous), unlike in the blocks.
    func output(step: Int) -> (scale: Tensor, shift: Tensor) {
        let parts = output.row(step).reshaped([2, dim])
        return (parts.row(0), parts.row(1))
    }
}
