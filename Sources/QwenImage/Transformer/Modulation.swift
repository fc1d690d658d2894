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

/// The modulation layers of one block, for both streams: 6 * innerDim values of the conditioning each.
struct ModulationLayers: Sendable {
    let image: Linear
    let text: Linear

    /// - Parameter weights: the scope `transformer_blocks.<index>`.
    init(_ weights: WeightScope, _ configuration: TransformerConfiguration) throws(WeightsError) {
        let dim = configuration.innerDim
        image = try weights["img_mod"][1].linear(inFeatures: dim, outFeatures: 6 * dim)
        text = try weights["txt_mod"][1].linear(inFeatures: dim, outFeatures: 6 * dim)
    }

    /// Those of all blocks; `weights` is the root of the transformer's checkpoint.
    static func store(
        _ list: BlockList, _ weights: WeightScope, _ configuration: TransformerConfiguration, _ offload: OffloadManager
    ) -> BlockStore<ModulationLayers> {
        BlockStore(
            list, count: configuration.numLayers, in: weights["transformer_blocks"], manager: offload
        ) { (block, _) throws(WeightsError) in
            try ModulationLayers(block, configuration)
        }
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
    ///   - layers: by block, what gives its modulations, on the block's device.
    ///   - progress: called after each block.
    init(
        conditioning: Tensor, weights: WeightScope, layers: BlockStore<ModulationLayers>,
        configuration: TransformerConfiguration, offload: OffloadManager,
        progress: (Int) throws(WeightsError) -> Void = { _ throws(WeightsError) in }
    ) throws(WeightsError) {
        dim = configuration.innerDim
        let root = weights.backend
        let activated = try WeightsError.converting { () throws(TensorError) in
            try root.activate(conditioning, .silu)
        }
        var image: [Tensor] = []
        var text: [Tensor] = []
        for index in 0..<configuration.numLayers {
            let device = layers.backend(of: index)
            try layers.withWeights(of: index) { (layers) throws(TensorError) in
                let input = try offload.transfer(activated, from: root, to: device)
                image.append(try device.linear(input, layers.image))
                text.append(try device.linear(input, layers.text))
            }
            try progress(index + 1)
        }
        self.image = image
        self.text = text
        let last = try weights["norm_out"]["linear"].linear(inFeatures: dim, outFeatures: 2 * dim)
        output = try WeightsError.converting { () throws(TensorError) in try root.linear(activated, last) }
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
