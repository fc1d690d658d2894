import TensorCore
import Weights

/// The models that work together in a decomposition, by their folders' names.
public enum ModelComponent: String, Sendable, CaseIterable {
    case textEncoder = "text_encoder"
    case transformer
    case vae
}

extension BlockList {
    static let textLayers = BlockList(name: "text_encoder.layers", .textEncoder)
    static let visionBlocks = BlockList(name: "text_encoder.visual.blocks", .textEncoder)
    /// Parts of the language model's head; they are where the rest of the text encoder is.
    static let languageModelHead = BlockList(name: "text_encoder.lm_head", .textEncoder)
    static let transformerBlocks = BlockList(name: "transformer.transformer_blocks", .transformer)
    /// The modulation layers of the blocks, each on its block's device, read once a job.
    static let modulation = BlockList(name: transformerBlocks.name, .transformer, isTransient: true)

    /// The same of the second guidance branch, where it has a device of its own.
    static let guidanceBlocks = BlockList(name: DevicePlacement.guidanceBlocks, .transformer)
    static let guidanceModulation = BlockList(name: guidanceBlocks.name, .transformer, isTransient: true)

    private init(name: String, _ component: ModelComponent, isTransient: Bool = false) {
        self.init(name: name, component: component.rawValue, isTransient: isTransient)
    }
}

extension OffloadManager {
    /// The device of a component's weights that belong to no block.
    func root(of component: ModelComponent) -> any Backend { root(of: component.rawValue) }
}

/// Where one instance of the transformer lives.
struct TransformerPlace {
    /// What its weights outside of blocks are under in a placement.
    let root: String
    let blocks: BlockList
    let modulation: BlockList

    /// All branches, or the conditional one.
    static let firstBranch = TransformerPlace(
        root: ModelComponent.transformer.rawValue, blocks: .transformerBlocks, modulation: .modulation)
    /// The unconditional branch on a device of its own.
    static let secondBranch = TransformerPlace(
        root: DevicePlacement.guidanceRoot, blocks: .guidanceBlocks, modulation: .guidanceModulation)
}
