import Foundation
import Weights

/// The text encoder's `config.json`: Qwen2.5-VL with its language model and vision tower.
///
/// Both spellings are read: the older flat one of the published checkpoint (`rope_scaling` and `rope_theta`) and the
/// newer one with `text_config` and `rope_parameters`. Source: transformers 5.23,
/// `models/qwen2_5_vl/configuration_qwen2_5_vl.py`.
public struct Qwen25VLConfiguration: Sendable, Equatable {
    /// The language model.
    public let text: Qwen25VLTextConfiguration
    /// The vision tower.
    public let vision: Qwen25VLVisionConfiguration
    /// The token that stands where an image feature goes.
    public let imageTokenID: Int
    /// Tokens that end a text, where there is no `generation_config.json`.
    public let eosTokenIDs: [Int]
    /// True if the language model's head is the embedding table.
    public let tieWordEmbeddings: Bool

    static let fileName = "config.json"

    /// Reads `config.json` in a `text_encoder` folder. Throws `model` or `weights` with the key that is missing or out
    /// of range.
    public init(folder: URL) throws(PipelineError) {
        let file = folder.appendingPathComponent(Self.fileName)
        let name = "\(folder.lastPathComponent)/\(Self.fileName)"
        let stored = try PipelineError.converting { () throws(WeightsError) in
            try ConfigurationFile.read(StoredQwen25VLConfiguration.self, from: file, name: name)
        }
        try self.init(stored, file: name)
    }

    init(_ stored: StoredQwen25VLConfiguration, file: String) throws(PipelineError) {
        let check = ConfigurationCheck(file: file)
        try check.require(
            stored.modelType == nil || stored.modelType == "qwen2_5_vl",
            "model_type is not 'qwen2_5_vl', which the text encoder of Qwen-Image-Layered is")
        let textConfig = stored.textConfig
        text = try Qwen25VLTextConfiguration(textConfig ?? stored.flat, outer: stored.flat, check)
        guard let visionConfig = stored.visionConfig else {
            throw .model(file: file, problem: "the key 'vision_config' is missing")
        }
        vision = try Qwen25VLVisionConfiguration(visionConfig, check)
        try check.require(
            vision.outHiddenSize == text.hiddenSize,
            "vision_config.out_hidden_size is \(vision.outHiddenSize), but the language model's hidden_size is"
                + " \(text.hiddenSize)")
        imageTokenID = try check.value(
            "image_token_id", stored.imageTokenID, 0...(text.vocabSize - 1), default: 151_655)
        eosTokenIDs = (stored.flat.eosTokenID ?? textConfig?.eosTokenID)?.ids ?? [151_645]
        tieWordEmbeddings = stored.flat.tieWordEmbeddings ?? false || textConfig?.tieWordEmbeddings ?? false
    }
}
