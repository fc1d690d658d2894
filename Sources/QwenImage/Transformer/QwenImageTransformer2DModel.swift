import Foundation
import TensorCore
import Weights

/// The diffusion transformer: two streams, text and image, that meet in each block's attention.
///
/// Blocks are the outer loop and guidance branches the inner one: a block's
/// weights are asked for once a step, whatever it costs to get them. Where the plan gives the second branch a device of
/// its own, a second model lives there, and the branches pass their blocks in turns: devices that compute by themselves
/// work at the same time.
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
    /// The model on the second branch's device; nil if all branches pass the same blocks.
    private let second: QwenImageTransformer2DModel?

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
    public convenience init(
        configuration: TransformerConfiguration, source: any TensorSource, offload: OffloadManager
    ) throws(WeightsError) {
        var second: QwenImageTransformer2DModel?
        if offload.plan == .guidance {
            second = try QwenImageTransformer2DModel(configuration, source, offload, .secondBranch, second: nil)
        }
        try self.init(configuration, source, offload, .firstBranch, second: second)
    }

    private init(
        _ configuration: TransformerConfiguration, _ source: any TensorSource, _ offload: OffloadManager,
        _ place: TransformerPlace, second: QwenImageTransformer2DModel?
    ) throws(WeightsError) {
        self.configuration = configuration
        self.offload = offload
        self.second = second
        backend = offload.root(of: place.root)
        let weights = WeightScope(source: source, backend: backend)
        self.weights = weights
        let dim = configuration.innerDim
        imageIn = try weights["img_in"].linear(inFeatures: configuration.inChannels, outFeatures: dim)
        textIn = try weights["txt_in"].linear(inFeatures: configuration.jointAttentionDim, outFeatures: dim)
        textNorm = try weights["txt_norm"].vector("weight", configuration.jointAttentionDim)
        projectionOut = try weights["proj_out"].linear(inFeatures: dim, outFeatures: configuration.outputDim)
        let list = weights["transformer_blocks"]
        blocks = BlockStore(place.blocks, count: configuration.numLayers, in: list, manager: offload) {
            (block, _) throws(WeightsError) in
            try TransformerBlock(block, configuration)
        }
        modulations = ModulationLayers.store(place.modulation, weights, configuration, offload)
    }

    /// One guidance branch of a job: its prompt, projected, and the rotary angles of its text and image tokens.
    public struct Branch: Sendable {
        /// [textTokens, dim] after `txt_norm` and `txt_in`; the same at every step.
        let text: Tensor
        /// By device with blocks, [textTokens + imageTokens, headSize / 2].
        let rotaries: [String: Rotary]
        /// True if it passes the second branch's device.
        var isSecond = false

        /// The angles on a device that has blocks.
        func rotary(on backend: any Backend) -> Rotary {
            guard let rotary = rotaries[backend.name] else { preconditionFailure("no angles on \(backend.name)") }
            return rotary
        }
    }

    /// What a job needs at every step, computed once.
    public struct Schedule: Sendable {
        let modulation: ScheduleModulation
        /// The same on the second branch's device.
        let second: ScheduleModulation?
    }

    /// Prepares one branch.
    ///
    /// - Parameters:
    ///   - promptEmbeds: [tokens, jointAttentionDim] float32.
    ///   - isNegative: true for the unconditional branch, which may have a device of its own.
    ///   - frames: frames made anew (layers + 1).
    ///   - height: of a frame, in tokens.
    ///   - width: of a frame, in tokens.
    public func branch(
        promptEmbeds: Tensor, isNegative: Bool = false, frames: Int, height: Int, width: Int
    ) throws(TensorError) -> Branch {
        if isNegative, let second {
            let there = try offload.transfer(promptEmbeds, from: backend, to: second.backend)
            var branch = try second.branch(promptEmbeds: there, frames: frames, height: height, width: width)
            branch.isSecond = true
            return branch
        }
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
    ///   - hasGuidance: true if a second branch will be asked for.
    ///   - progress: blocks done, of `configuration.numLayers`; may throw to stop.
    public func schedule(
        timesteps: [Float], hasGuidance: Bool = true,
        progress: (Int) throws(WeightsError) -> Void = { _ throws(WeightsError) in }
    ) throws(WeightsError) -> Schedule {
        guard hasGuidance, let second else {
            return Schedule(modulation: try modulation(timesteps, progress), second: nil)
        }
        // Each of the two is half of the work.
        let blocks = configuration.numLayers
        return Schedule(
            modulation: try modulation(timesteps) { (done) throws(WeightsError) in try progress(done / 2) },
            second: try second.modulation(timesteps) { (done) throws(WeightsError) in
                try progress((blocks + done) / 2)
            })
    }

    private func modulation(
        _ timesteps: [Float], _ progress: (Int) throws(WeightsError) -> Void
    ) throws(WeightsError) -> ScheduleModulation {
        let embedding = try TimestepEmbedding(weights["time_text_embed"], configuration)
        let conditioning = try WeightsError.converting { () throws(TensorError) in
            try embedding(timesteps, on: backend)
        }
        return try ScheduleModulation(
            conditioning: conditioning, weights: weights, layers: modulations, configuration: configuration,
            offload: offload, progress: progress)
    }

    /// Predicts the velocity of every image token, for each branch.
    ///
    /// - Parameters:
    ///   - hiddenStates: [imageTokens, inChannels] float32, the frames made anew and the condition after them.
    ///   - step: of the schedule.
    ///   - caches: of the image, by branch; none if every step computes all blocks.
    ///   - continues: true if another step follows, so that its first block may be read ahead.
    ///   - observer: is shown the first branch's tokens after each block.
    ///   - cancellation: checked before each block.
    /// - Returns: by branch, [imageTokens, outputDim] float32.
    public func callAsFunction(
        _ hiddenStates: Tensor, branches: [Branch], schedule: Schedule, step: Int, caches: [FirstBlockCache] = [],
        continues: Bool = false, observer: (any TensorObserver)? = nil, cancellation: Cancellation? = nil
    ) throws(WeightsError) -> [Tensor] {
        let cached = zip(branches, caches)
        var pass = try Pass(
            self, hiddenStates, branches.filter { !$0.isSecond }, schedule.modulation, step,
            caches: cached.filter { !$0.0.isSecond }.map(\.1), observer: observer)
        var other: Pass?
        if let second, let modulation = schedule.second, branches.contains(where: \.isSecond) {
            let there = try WeightsError.converting { () throws(TensorError) in
                try offload.transfer(hiddenStates, from: backend, to: second.backend)
            }
            other = try Pass(
                second, there, branches.filter(\.isSecond), modulation, step,
                caches: cached.filter(\.0.isSecond).map(\.1), observer: nil)
        }
        for index in 0..<configuration.numLayers {
            if cancellation?.isCancelled == true { throw .tensor(.cancelled) }
            try pass.go(through: index, continues: continues)
            try other?.go(through: index, continues: continues)
        }
        var outputs = try pass.finish()
        for output in try other?.finish() ?? [] {
            outputs.append(
                try WeightsError.converting { () throws(TensorError) in
                    try offload.transfer(output, from: second?.backend ?? backend, to: backend)
                })
        }
        return outputs
    }

    /// Branches on their way through the blocks of one model at one step.
    private struct Pass {
        private let model: QwenImageTransformer2DModel
        private let branches: [Branch]
        private let modulation: ScheduleModulation
        private let step: Int
        private let observer: (any TensorObserver)?
        /// By branch, or none.
        private let caches: [FirstBlockCache]
        /// Branches that still have blocks to pass.
        private var waiting: [Int]
        /// By branch, [textTokens + imageTokens, dim], and the device that has them.
        private var joint: [Tensor]
        private var place: any Backend

        init(
            _ model: QwenImageTransformer2DModel, _ hiddenStates: Tensor, _ branches: [Branch],
            _ modulation: ScheduleModulation, _ step: Int, caches: [FirstBlockCache], observer: (any TensorObserver)?
        ) throws(WeightsError) {
            (self.model, self.branches, self.modulation, self.step) = (model, branches, modulation, step)
            self.observer = observer
            // A first block that is the last one, too, spares nothing.
            self.caches = model.configuration.numLayers > 1 ? caches : []
            waiting = Array(branches.indices)
            place = model.backend
            joint = try WeightsError.converting { () throws(TensorError) in try model.start(hiddenStates, branches) }
        }

        mutating func go(through index: Int, continues: Bool) throws(WeightsError) {
            if waiting.isEmpty { return }
            let image = modulation.image(block: index, step: step)
            let text = modulation.text(block: index, step: step)
            // An observer is shown the last block's text too, as the reference computes it.
            let updatesText = index < model.configuration.numLayers - 1 || observer != nil
            let device = model.blocks.backend(of: index)
            joint = try model.moved(joint, from: place, to: device)
            place = device
            try model.blocks.withWeights(of: index, continues: continues) { (block) throws(TensorError) in
                for number in waiting {
                    let branch = branches[number]
                    let input = index == 0 ? try copied(number, on: device) : nil
                    try block(
                        joint[number], textTokens: branch.text.shape[0], imageModulation: image, textModulation: text,
                        rotary: branch.rotary(on: device), updatesText: updatesText, on: device)
                    if let input, try caches[number].reuses(after: imageTokens(number), input: input, on: device) {
                        waiting.removeAll { $0 == number }
                    }
                }
                if let observer, let branch = branches.first, let hidden = joint.first {
                    let shown = try model.offload.transfer(hidden, from: device, to: model.backend)
                    try QwenImageTransformer2DModel.show(
                        observer, index, shown, textTokens: branch.text.shape[0])
                }
            }
        }

        /// A branch's [imageTokens, dim], in place.
        private func imageTokens(_ number: Int) -> Tensor {
            joint[number].rows(branches[number].text.shape[0]..<joint[number].shape[0])
        }

        /// What the first block is going to change, where a cache wants to compare.
        private func copied(_ number: Int, on device: any Backend) throws(TensorError) -> Tensor? {
            caches.isEmpty ? nil : try FirstBlockCache.copy(imageTokens(number), on: device)
        }

        /// Tells the caches what the last block has left, where the first one is computed.
        private func keep() throws(WeightsError) {
            guard !caches.isEmpty else { return }
            let first = model.blocks.backend(of: 0)
            for number in waiting {
                let there = try model.moved([imageTokens(number)], from: place, to: first)
                try WeightsError.converting { () throws(TensorError) in try caches[number].keep(there[0], on: first) }
            }
        }

        /// By branch, [imageTokens, outputDim] on the model's device.
        mutating func finish() throws(WeightsError) -> [Tensor] {
            try keep()
            joint = try model.moved(joint, from: place, to: model.backend)
            let output = modulation.output(step: step)
            return try WeightsError.converting { () throws(TensorError) in
                try model.finish(joint, branches, scale: output.scale, shift: output.shift)
            }
        }
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
        _ joint: [Tensor], _ branches: [Branch], scale: Tensor, shift: Tensor
    ) throws(TensorError) -> [Tensor] {
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
        second?.release()
    }
}
