import Foundation
import TensorCore
import Weights

/// The diffusion transformer: two streams, text and image, that meet in each block's attention.
///
/// Blocks are the outer loop and guidance branches the inner one: a block's
/// weights are asked for once a step, whatever it costs to get them.
/// Source: diffusers `models/transformers/transformer_qwenimage.py`, `QwenImageTransformer2DModel.forward`.
public final class QwenImageTransformer2DModel {
    /// Its sizes.
    public let configuration: TransformerConfiguration
    private let weights: WeightScope
    private let backend: any Backend
    private let offload: OffloadManager
    private let imageIn: Linear
    private let textIn: Linear
    private let textNorm: Tensor
    private let projectionOut: Linear
    private let blocks: BlockStore<TransformerBlock>
    private let modulations: BlockStore<ModulationLayers>

    private static let epsilon: Float = 1e-6

    /// Opens the model over a checkpoint; blocks are loaded when they are first used.
    ///
    /// - Parameter source: tensors with the names of the public
    ///   checkpoint. Throws if one is missing or has another shape.
    public convenience init(
        configuration: TransformerConfiguration, source: any TensorSource, backend: any Backend
    ) throws(WeightsError) {
        try self.init(configuration: configuration, source: source, offload: OffloadManager(backend))
    }

    /// Opens the model where an offload manager has it, see the other initializer.
    public init(
        configuration: TransformerConfiguration, source: any TensorSource, offload: OffloadManager
    ) throws(WeightsError) {
        self.configuration = configuration
        self.offload = offload
        backend = offload.root(of: .transformer)
        let weights = WeightScope(source: source, backend: backend)
        self.weights = weights
        let dim = configuration.innerDim
        imageIn = try weights["img_in"].linear(inFeatures: configuration.inChannels, outFeatures: dim)
        textIn = try weights["txt_in"].linear(inFeatures: configuration.jointAttentionDim, outFeatures: dim)
        textNorm = try weights["txt_norm"].vector("weight", configuration.jointAttentionDim)
        projectionOut = try weights["proj_out"].linear(inFeatures: dim, outFeatures: configuration.outputDim)
        let list = weights["transformer_blocks"]
        blocks = BlockStore(.transformerBlocks, count: configuration.numLayers, in: list, manager: offload) {
            (block, _) throws(WeightsError) in
            try TransformerBlock(block, configuration)
        }
        modulations = ModulationLayers.store(weights, configuration, offload)
    }

    /// One guidance branch of a job: its prompt, projected, and the rotary angles of its text and image tokens.
    public struct Branch: Sendable {
        /// [textTokens, dim] after `txt_norm` and `txt_in`; the same at every step.
        let text: Tensor
        /// By device with blocks, [textTokens + imageTokens, headSize / 2].
        let rotaries: [String: Rotary]

        /// The angles on a device that has blocks.
        func rotary(on backend: any Backend) -> Rotary {
            guard let rotary = rotaries[backend.name] else { preconditionFailure("no angles on \(backend.name)") }
            return rotary
        }
    }

    /// What a job needs at every step, computed once.
    public struct Schedule: Sendable {
        let modulation: ScheduleModulation
    }

    /// Prepares one branch.
    ///
    /// - Parameters:
    ///   - promptEmbeds: [tokens, jointAttentionDim] float32.
    ///   - frames: frames made anew (layers + 1).
    ///   - height: of a frame, in tokens.
    ///   - width: of a frame, in tokens.
    public func branch(
        promptEmbeds: Tensor, frames: Int, height: Int, width: Int
    ) throws(TensorError) -> Branch {
        let normed = try backend.rmsNorm(promptEmbeds, weight: textNorm, epsilon: Self.epsilon)
        let text = try backend.linear(normed, textIn)
        let embedding = LayerRotaryEmbedding(
            axesDims: configuration.axesDimsRope, isLayer3D: configuration.useLayer3DRope)
        let textTokens = promptEmbeds.shape[0]
        // Made when a backend asks for the values: a forecast does not.
        lazy var tables = embedding.tables(textTokens: textTokens, frames: frames, height: height, width: width)
        let shape: Shape = [textTokens + (frames + 1) * height * width, configuration.attentionHeadDim / 2]
        var rotaries: [String: Rotary] = [:]
        for index in 0..<configuration.numLayers {
            let device = blocks.backend(of: index)
            guard rotaries[device.name] == nil else { continue }
            rotaries[device.name] = Rotary(
                cosines: try device.upload(shape) { tables.cosines },
                sines: try device.upload(shape) { tables.sines }, pairing: .adjacent)
        }
        return Branch(text: text, rotaries: rotaries)
    }

    /// Computes all modulations of a schedule.
    ///
    /// - Parameters:
    ///   - timesteps: by step, as the transformer is given them (timestep / 1000).
    ///   - progress: blocks done, of `configuration.numLayers`; may throw to stop.
    public func schedule(
        timesteps: [Float], progress: (Int) throws(WeightsError) -> Void = { _ throws(WeightsError) in }
    ) throws(WeightsError) -> Schedule {
        let embedding = try TimestepEmbedding(weights["time_text_embed"], configuration)
        let conditioning = try WeightsError.converting { () throws(TensorError) in
            try embedding(timesteps, on: backend)
        }
        return Schedule(
            modulation: try ScheduleModulation(
                conditioning: conditioning, weights: weights, layers: modulations, configuration: configuration,
                offload: offload, progress: progress))
    }

    /// Predicts the velocity of every image token, for each branch.
    ///
    /// - Parameters:
    ///   - hiddenStates: [imageTokens, inChannels] float32, the frames made anew and the condition after them.
    ///   - step: of the schedule.
    ///   - continues: true if another step follows, so that its first block may be read ahead.
    ///   - observer: is shown the first branch's tokens after each block.
    ///   - cancellation: checked before each block.
    /// - Returns: by branch, [imageTokens, outputDim] float32.
    public func callAsFunction(
        _ hiddenStates: Tensor, branches: [Branch], schedule: Schedule, step: Int, continues: Bool = false,
        observer: (any TensorObserver)? = nil, cancellation: Cancellation? = nil
    ) throws(WeightsError) -> [Tensor] {
        var joint = try WeightsError.converting { () throws(TensorError) in try start(hiddenStates, branches) }
        var place = backend
        for index in 0..<configuration.numLayers {
            if cancellation?.isCancelled == true { throw .tensor(.cancelled) }
            let image = schedule.modulation.image(block: index, step: step)
            let text = schedule.modulation.text(block: index, step: step)
            // An observer is shown the last block's text too, as the reference computes it.
            let updatesText = index < configuration.numLayers - 1 || observer != nil
            let device = blocks.backend(of: index)
            joint = try moved(joint, from: place, to: device)
            place = device
            try blocks.withWeights(of: index, continues: continues) { (block) throws(TensorError) in
                for (branch, hidden) in zip(branches, joint) {
                    try block(
                        hidden, textTokens: branch.text.shape[0], imageModulation: image, textModulation: text,
                        rotary: branch.rotary(on: device), updatesText: updatesText, on: device)
                }
                if let observer, let branch = branches.first, let hidden = joint.first {
                    let shown = try offload.transfer(hidden, from: device, to: backend)
                    try Self.show(observer, index, shown, textTokens: branch.text.shape[0])
                }
            }
        }
        joint = try moved(joint, from: place, to: backend)
        return try WeightsError.converting { () throws(TensorError) in try finish(joint, branches, schedule, step) }
    }

    private static func show(
        _ observer: any TensorObserver, _ index: Int, _ hidden: Tensor, textTokens: Int
    ) throws(TensorError) {
        try observer.record("block.\(index).encoder_hidden_states", hidden.rows(0..<textTokens).batchOfOne)
        try observer.record(
            "block.\(index).hidden_states", hidden.rows(textTokens..<hidden.shape[0]).batchOfOne)
    }

    private func moved(
        _ tensors: [Tensor], from source: any Backend, to target: any Backend
    ) throws(WeightsError) -> [Tensor] {
        guard source !== target else { return tensors }
        var moved: [Tensor] = []
        for tensor in tensors {
            moved.append(
                try WeightsError.converting { () throws(TensorError) in
                    try offload.transfer(tensor, from: source, to: target)
                })
        }
        return moved
    }

    /// By branch, text and image tokens in one tensor [textTokens + imageTokens, dim].
    private func start(_ hiddenStates: Tensor, _ branches: [Branch]) throws(TensorError) -> [Tensor] {
        var joint: [Tensor] = []
        for branch in branches {
            let tokens = branch.text.shape[0]
            let hidden = try backend.empty([tokens + hiddenStates.shape[0], configuration.innerDim])
            let imageRows = hidden.rows(tokens..<hidden.shape[0])
            try backend.copy(branch.text, into: hidden.rows(0..<tokens).batchOfOne)
            if let first = joint.first {
                try backend.copy(first.rows((first.shape[0] - hiddenStates.shape[0])..<first.shape[0]), into: imageRows)
            } else {
                try backend.linear(hiddenStates, imageIn, into: imageRows)
            }
            joint.append(hidden)
        }
        return joint
    }

    private func finish(
        _ joint: [Tensor], _ branches: [Branch], _ schedule: Schedule, _ step: Int
    ) throws(TensorError) -> [Tensor] {
        let (scale, shift) = schedule.modulation.output(step: step)
        var outputs: [Tensor] = []
        for (branch, hidden) in zip(branches, joint) {
            let image = hidden.rows(branch.text.shape[0]..<hidden.shape[0])
            let normed = try backend.layerNorm(image, epsilon: Self.epsilon, shift: shift, scale: scale, into: image)
            outputs.append(try backend.linear(normed, projectionOut))
        }
        return outputs
    }

    /// Loads every tensor once, the modulation's too, so that a broken checkpoint shows before a job starts.
    func loadAll() throws(WeightsError) {
        for index in 0..<configuration.numLayers {
            try blocks.withWeights(of: index) { (_) throws(TensorError) in }
        }
        _ = try schedule(timesteps: [0])
    }

    /// Drops the blocks that are held on the device; they are loaded again when needed.
    public func release() {
        blocks.releaseAll()
    }
}
