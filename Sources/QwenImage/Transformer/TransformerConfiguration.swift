import Weights

/// The sizes of the diffusion transformer, as `transformer/config.json` has them.
///
/// Source: diffusers `models/transformers/transformer_qwenimage.py`, `QwenImageTransformer2DModel.__init__`.
public struct TransformerConfiguration: Sendable, Equatable, Decodable {
    /// Named as in the file; the defaults are upstream's.
    public var patchSize = 2
    public var inChannels = 64
    public var outChannels = 16
    public var numLayers = 60
    public var attentionHeadDim = 128
    public var numAttentionHeads = 24
    public var jointAttentionDim = 3584
    public var guidanceEmbeds = false
    /// Frame, height and width; their sum is the head size.
    public var axesDimsRope = [16, 56, 56]
    public var zeroCondT = false
    public var useAdditionalTCond = false
    public var useLayer3DRope = false

    /// Width of both streams.
    public var innerDim: Int { numAttentionHeads * attentionHeadDim }
    /// Width of the feed-forward layers' inner side.
    public var mlpDim: Int { innerDim * 4 }
    /// Values that the model gives for each token.
    public var outputDim: Int { patchSize * patchSize * outChannels }

    enum CodingKeys: String, CodingKey {
        case patchSize = "patch_size"
        case inChannels = "in_channels"
        case outChannels = "out_channels"
        case numLayers = "num_layers"
        case attentionHeadDim = "attention_head_dim"
        case numAttentionHeads = "num_attention_heads"
        case jointAttentionDim = "joint_attention_dim"
        case guidanceEmbeds = "guidance_embeds"
        case axesDimsRope = "axes_dims_rope"
        case zeroCondT = "zero_cond_t"
        case useAdditionalTCond = "use_additional_t_cond"
        case useLayer3DRope = "use_layer3d_rope"
    }

    /// Upstream's defaults.
    public init() {}

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        patchSize = try values.decodeIfPresent(Int.self, forKey: .patchSize) ?? patchSize
        inChannels = try values.decodeIfPresent(Int.self, forKey: .inChannels) ?? inChannels
        if values.contains(.outChannels) {
            // Null means as many as come in.
            outChannels = try values.decodeIfPresent(Int.self, forKey: .outChannels) ?? inChannels
        }
        numLayers = try values.decodeIfPresent(Int.self, forKey: .numLayers) ?? numLayers
        attentionHeadDim = try values.decodeIfPresent(Int.self, forKey: .attentionHeadDim) ?? attentionHeadDim
        numAttentionHeads = try values.decodeIfPresent(Int.self, forKey: .numAttentionHeads) ?? numAttentionHeads
        jointAttentionDim = try values.decodeIfPresent(Int.self, forKey: .jointAttentionDim) ?? jointAttentionDim
        guidanceEmbeds = try values.decodeIfPresent(Bool.self, forKey: .guidanceEmbeds) ?? guidanceEmbeds
        axesDimsRope = try values.decodeIfPresent([Int].self, forKey: .axesDimsRope) ?? axesDimsRope
        zeroCondT = try values.decodeIfPresent(Bool.self, forKey: .zeroCondT) ?? zeroCondT
        useAdditionalTCond = try values.decodeIfPresent(Bool.self, forKey: .useAdditionalTCond) ?? useAdditionalTCond
        useLayer3DRope = try values.decodeIfPresent(Bool.self, forKey: .useLayer3DRope) ?? useLayer3DRope
    }

    /// Sizes that no model of this kind has, so that a hostile file cannot make later sums overflow.
    private static let largestSize = 1 << 20
    private static let mostBlocks = 1000

    /// Throws `model` for a configuration that the engine cannot run.
    public func validate(file: String) throws(PipelineError) {
        let sizes = [
            "patch_size": patchSize, "in_channels": inChannels, "out_channels": outChannels, "num_layers": numLayers,
            "attention_head_dim": attentionHeadDim, "num_attention_heads": numAttentionHeads,
            "joint_attention_dim": jointAttentionDim,
        ]
        for (name, size) in sizes.sorted(by: { $0.key < $1.key }) where size < 1 || size > Self.largestSize {
            throw .model(file: file, problem: "\(name) is \(size), but must be 1 to \(Self.largestSize)")
        }
        func require(_ condition: Bool, _ problem: String) throws(PipelineError) {
            if !condition { throw .model(file: file, problem: problem) }
        }
        try require(numLayers <= Self.mostBlocks, "num_layers is \(numLayers), but at most \(Self.mostBlocks) are run")
        try require(innerDim <= Self.largestSize, "num_attention_heads * attention_head_dim is \(innerDim)")
        try require(patchSize == 2, "patch_size is \(patchSize); only 2 is known")
        try require(
            axesDimsRope.count == 3
                // The upper bound before the sum, which could overflow.
                && axesDimsRope.allSatisfy { $0 >= 2 && $0 % 2 == 0 && $0 <= attentionHeadDim }
                && axesDimsRope.reduce(0, +) == attentionHeadDim,
            "axes_dims_rope \(axesDimsRope) must be three even numbers with the sum \(attentionHeadDim)")
        try require(
            outputDim == inChannels,
            "out_channels is \(outChannels), but the latents need in_channels / 4 = \(inChannels / 4)")
        try require(!guidanceEmbeds, "guidance_embeds is true: guidance-distilled models are not supported")
        try require(
            !zeroCondT, "zero_cond_t is true: that is another model (Qwen-Image-Edit-2511), not the layered one")
    }
}
