/// Sizes of Qwen2.5-VL's language model.
public struct Qwen25VLTextConfiguration: Sendable, Equatable {
    /// Rows of the embedding table.
    public let vocabSize: Int
    /// Features of a token.
    public let hiddenSize: Int
    /// Features inside the feed-forward part.
    public let intermediateSize: Int
    /// Decoder layers.
    public let numHiddenLayers: Int
    /// Heads of the queries.
    public let numAttentionHeads: Int
    /// Heads of keys and values; each serves `numAttentionHeads / numKeyValueHeads` query heads.
    public let numKeyValueHeads: Int
    /// Added to the mean square in the norms.
    public let rmsNormEps: Float
    /// Base of the rotary frequencies.
    public let ropeTheta: Double
    /// Pairs of a head that turn with the temporal, height and width position, in turn; they add up to half of the
    /// head's size.
    public let mropeSection: [Int]

    /// Elements of one head.
    public var headSize: Int { hiddenSize / numAttentionHeads }

    /// `stored` is the `text_config` or, in the flat form, the whole file; keys that the nested form lacks are taken
    /// from `outer`. What neither has is as in the reference's `Qwen2_5_VLTextConfig`, but for sizes: those are a
    /// larger model's there, so that a file without them says too little.
    init(
        _ stored: StoredTextConfiguration, outer: StoredTextConfiguration, _ check: ConfigurationCheck
    ) throws(PipelineError) {
        vocabSize = try check.value("vocab_size", stored.vocabSize ?? outer.vocabSize, 1...(1 << 22), default: 152_064)
        hiddenSize = try check.value("hidden_size", stored.hiddenSize ?? outer.hiddenSize, 2...(1 << 16))
        intermediateSize = try check.value(
            "intermediate_size", stored.intermediateSize ?? outer.intermediateSize, 1...(1 << 18))
        numHiddenLayers = try check.value(
            "num_hidden_layers", stored.numHiddenLayers ?? outer.numHiddenLayers, 1...1024)
        numAttentionHeads = try check.value(
            "num_attention_heads", stored.numAttentionHeads ?? outer.numAttentionHeads, 1...1024)
        numKeyValueHeads = try check.value(
            "num_key_value_heads", stored.numKeyValueHeads ?? outer.numKeyValueHeads, 1...1024, default: 8)
        rmsNormEps = try check.value(
            "rms_norm_eps", stored.rmsNormEps ?? outer.rmsNormEps, 0...1, default: 1e-5)
        let rope = stored.rope ?? outer.rope
        ropeTheta = try check.value(
            "rope_theta", rope?.ropeTheta ?? stored.ropeTheta ?? outer.ropeTheta, 1...1e12, default: 1_000_000)
        mropeSection = rope?.mropeSection ?? [16, 24, 24]
        try check.require(
            hiddenSize.isMultiple(of: numAttentionHeads) && (hiddenSize / numAttentionHeads).isMultiple(of: 2),
            "hidden_size \(hiddenSize) is not an even number of elements for each of num_attention_heads"
                + " \(numAttentionHeads)")
        try check.require(
            numAttentionHeads.isMultiple(of: numKeyValueHeads),
            "num_attention_heads \(numAttentionHeads) is not a multiple of num_key_value_heads \(numKeyValueHeads)")
        let pairs = hiddenSize / numAttentionHeads / 2
        try check.require(
            mropeSection.allSatisfy { (0...pairs).contains($0) } && mropeSection.count <= 16
                && mropeSection.reduce(0, +) == pairs,
            "mrope_section \(mropeSection) does not add up to half of the head size, \(pairs)")
        try Self.refuseWhatIsNotComputed(stored, outer, rope, check, layers: numHiddenLayers)
    }

    private static func refuseWhatIsNotComputed(
        _ stored: StoredTextConfiguration, _ outer: StoredTextConfiguration, _ rope: StoredRopeParameters?,
        _ check: ConfigurationCheck, layers: Int
    ) throws(PipelineError) {
        let activation = stored.hiddenAct ?? outer.hiddenAct ?? "silu"
        try check.require(activation == "silu", "this hidden_act is not supported, only 'silu' is")
        let kind = rope?.ropeType ?? rope?.type ?? "default"
        // "mrope" is the oldest spelling of the same thing.
        try check.require(kind == "default" || kind == "mrope", "this rope_type is not supported, only 'default' is")
        let slides =
            stored.layerTypes?.contains("sliding_attention")
            ?? (stored.useSlidingWindow == true && (stored.maxWindowLayers ?? layers) < layers)
        try check.require(!slides, "sliding-window attention is not supported")
    }
}
