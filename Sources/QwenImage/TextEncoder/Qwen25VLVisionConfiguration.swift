/// Sizes of Qwen2.5-VL's vision tower.
public struct Qwen25VLVisionConfiguration: Sendable, Equatable {
    /// Blocks.
    public let depth: Int
    /// Features of a patch.
    public let hiddenSize: Int
    /// Features inside the feed-forward part.
    public let intermediateSize: Int
    /// Attention heads.
    public let numHeads: Int
    /// Colour channels of a patch.
    public let inChannels: Int
    /// Features of a merged token: the language model's hidden size.
    public let outHiddenSize: Int
    /// Side of a patch in pixels.
    public let patchSize: Int
    /// Frames of a patch; a still picture is taken this often.
    public let temporalPatchSize: Int
    /// Patches along each side of a merged token.
    public let spatialMergeSize: Int
    /// Side of an attention window in pixels.
    public let windowSize: Int
    /// Blocks whose attention covers the whole picture instead of a window.
    public let fullAttentionBlockIndexes: Set<Int>
    /// Base of the rotary frequencies.
    public let ropeTheta: Double

    /// Elements of one head.
    public var headSize: Int { hiddenSize / numHeads }

    /// Values of one flattened patch: channels, frames, rows, columns.
    public var patchElementCount: Int { inChannels * temporalPatchSize * patchSize * patchSize }

    /// Patches of one merged token.
    public var spatialMergeUnit: Int { spatialMergeSize * spatialMergeSize }

    /// What the file leaves out is as in the reference's `Qwen2_5_VLVisionConfig`, but for `hidden_size`, which is
    /// another model's there.
    init(_ stored: StoredVisionConfiguration, _ check: ConfigurationCheck) throws(PipelineError) {
        func name(_ key: String) -> String { "vision_config.\(key)" }
        depth = try check.value(name("depth"), stored.depth, 1...1024, default: 32)
        hiddenSize = try check.value(name("hidden_size"), stored.hiddenSize, 4...(1 << 16))
        intermediateSize = try check.value(
            name("intermediate_size"), stored.intermediateSize, 1...(1 << 18), default: 3420)
        numHeads = try check.value(name("num_heads"), stored.numHeads, 1...1024, default: 16)
        inChannels = try check.value(name("in_channels"), stored.inChannels ?? stored.inChans, 3...3, default: 3)
        outHiddenSize = try check.value(name("out_hidden_size"), stored.outHiddenSize, 2...(1 << 16), default: 3584)
        patchSize = try check.value(name("patch_size"), stored.patchSize, 1...256, default: 14)
        temporalPatchSize = try check.value(name("temporal_patch_size"), stored.temporalPatchSize, 1...16, default: 2)
        spatialMergeSize = try check.value(name("spatial_merge_size"), stored.spatialMergeSize, 1...16, default: 2)
        windowSize = try check.value(name("window_size"), stored.windowSize, 1...(1 << 16), default: 112)
        fullAttentionBlockIndexes = Set(stored.fullattBlockIndexes ?? [7, 15, 23, 31])
        ropeTheta = try check.value(
            name("rope_parameters.rope_theta"), stored.ropeParameters?.ropeTheta, 1...1e12, default: 10_000)
        try check.require(
            hiddenSize.isMultiple(of: numHeads) && (hiddenSize / numHeads).isMultiple(of: 4),
            "vision_config.hidden_size \(hiddenSize) is not a multiple of four for each of num_heads \(numHeads)")
        try check.require(
            windowSize / spatialMergeSize / patchSize >= 1,
            "vision_config.window_size \(windowSize) is smaller than a merged token of"
                + " \(spatialMergeSize * patchSize) pixels")
        let activation = stored.hiddenAct ?? "silu"
        try check.require(activation == "silu", "this vision_config.hidden_act is not supported, only 'silu' is")
    }
}
