/// `text_encoder/config.json` as it is written, in either form; nothing is checked yet.
struct StoredQwen25VLConfiguration: Decodable {
    let modelType: String?
    /// The newer form's language model.
    let textConfig: StoredTextConfiguration?
    let visionConfig: StoredVisionConfiguration?
    let imageTokenID: Int?
    /// The keys at the top level, where the older form has the language model's.
    let flat: StoredTextConfiguration

    enum CodingKeys: String, CodingKey {
        case modelType = "model_type"
        case textConfig = "text_config"
        case visionConfig = "vision_config"
        case imageTokenID = "image_token_id"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        modelType = try container.decodeIfPresent(String.self, forKey: .modelType)
        textConfig = try container.decodeIfPresent(StoredTextConfiguration.self, forKey: .textConfig)
        visionConfig = try container.decodeIfPresent(StoredVisionConfiguration.self, forKey: .visionConfig)
        imageTokenID = try container.decodeIfPresent(Int.self, forKey: .imageTokenID)
        flat = try StoredTextConfiguration(from: decoder)
    }
}

/// The language model's keys as they are written.
struct StoredTextConfiguration: Decodable {
    let vocabSize: Int?
    let hiddenSize: Int?
    let intermediateSize: Int?
    let numHiddenLayers: Int?
    let numAttentionHeads: Int?
    let numKeyValueHeads: Int?
    let rmsNormEps: Double?
    let hiddenAct: String?
    let ropeTheta: Double?
    let ropeScaling: StoredRopeParameters?
    let ropeParameters: StoredRopeParameters?
    let useSlidingWindow: Bool?
    let maxWindowLayers: Int?
    let layerTypes: [String]?
    let eosTokenID: TokenIDs?
    let tieWordEmbeddings: Bool?

    /// The rotary embedding under either name; the older wins, as in the reference.
    var rope: StoredRopeParameters? { ropeScaling ?? ropeParameters }

    enum CodingKeys: String, CodingKey {
        case vocabSize = "vocab_size"
        case hiddenSize = "hidden_size"
        case intermediateSize = "intermediate_size"
        case numHiddenLayers = "num_hidden_layers"
        case numAttentionHeads = "num_attention_heads"
        case numKeyValueHeads = "num_key_value_heads"
        case rmsNormEps = "rms_norm_eps"
        case hiddenAct = "hidden_act"
        case ropeTheta = "rope_theta"
        case ropeScaling = "rope_scaling"
        case ropeParameters = "rope_parameters"
        case useSlidingWindow = "use_sliding_window"
        case maxWindowLayers = "max_window_layers"
        case layerTypes = "layer_types"
        case eosTokenID = "eos_token_id"
        case tieWordEmbeddings = "tie_word_embeddings"
    }
}

/// The vision tower's keys as they are written.
struct StoredVisionConfiguration: Decodable {
    let depth: Int?
    let hiddenSize: Int?
    let intermediateSize: Int?
    let numHeads: Int?
    let inChannels: Int?
    let inChans: Int?
    let outHiddenSize: Int?
    let patchSize: Int?
    let temporalPatchSize: Int?
    let spatialMergeSize: Int?
    let windowSize: Int?
    let fullattBlockIndexes: [Int]?
    let hiddenAct: String?
    let ropeParameters: StoredRopeParameters?

    enum CodingKeys: String, CodingKey {
        case depth
        case hiddenSize = "hidden_size"
        case intermediateSize = "intermediate_size"
        case numHeads = "num_heads"
        case inChannels = "in_channels"
        case inChans = "in_chans"
        case outHiddenSize = "out_hidden_size"
        case patchSize = "patch_size"
        case temporalPatchSize = "temporal_patch_size"
        case spatialMergeSize = "spatial_merge_size"
        case windowSize = "window_size"
        case fullattBlockIndexes = "fullatt_block_indexes"
        case hiddenAct = "hidden_act"
        case ropeParameters = "rope_parameters"
    }
}

/// `rope_scaling` or `rope_parameters` as they are written.
struct StoredRopeParameters: Decodable {
    let ropeTheta: Double?
    let ropeType: String?
    let type: String?
    let mropeSection: [Int]?

    enum CodingKeys: String, CodingKey {
        case ropeTheta = "rope_theta"
        case ropeType = "rope_type"
        case type
        case mropeSection = "mrope_section"
    }
}
