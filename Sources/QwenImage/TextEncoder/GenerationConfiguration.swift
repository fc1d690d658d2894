import Foundation
import Weights

/// How the captioner decodes: what `generation_config.json` says, as far as it changes the most probable caption.
///
/// The published file samples with `top_k` 1, which always takes the best token. Decoding here is greedy whatever
/// `do_sample`, `temperature`, `top_k` and `top_p` say, so that the same picture has the same caption every time; the
/// repetition penalty is applied.
/// Source: transformers 5.23, `generation/logits_process.py` and `generation/utils.py`.
public struct GenerationConfiguration: Sendable, Equatable {
    /// Any of these ends the caption; none has it go on to the most tokens there may be.
    public let eosTokenIDs: Set<Int>
    /// Scores of tokens that were there before are divided by it if positive, multiplied if negative; 1 changes
    /// nothing.
    public let repetitionPenalty: Float

    static let fileName = "generation_config.json"

    /// Reads the file in a `text_encoder` folder; without it the model's own `eos_token_id` ends a caption and there is
    /// no penalty. A file that names no `eos_token_id` has none, as in transformers, whatever the model's own is.
    ///
    /// Throws `model` if the file asks for a way of decoding that is not implemented, such as beam search.
    public init(folder: URL, model: Qwen25VLConfiguration) throws(PipelineError) {
        let file = folder.appendingPathComponent(Self.fileName)
        guard FileManager.default.fileExists(atPath: file.path) else {
            self.init(eosTokenIDs: Set(model.eosTokenIDs), repetitionPenalty: 1)
            return
        }
        let name = "\(folder.lastPathComponent)/\(Self.fileName)"
        let stored = try PipelineError.converting { () throws(WeightsError) in
            try ConfigurationFile.read(StoredGenerationConfiguration.self, from: file, name: name)
        }
        let check = ConfigurationCheck(file: name)
        let penalty: Float = try check.value("repetition_penalty", stored.repetitionPenalty, 0.01...100, default: 1)
        try check.require((stored.numBeams ?? 1) == 1, "num_beams \(stored.numBeams ?? 0) is not supported, 1 is")
        try check.require(
            (stored.noRepeatNGramSize ?? 0) == 0, "no_repeat_ngram_size is not supported: remove it from the file")
        try check.require(
            (stored.minNewTokens ?? 0) == 0 && (stored.minLength ?? 0) == 0,
            "min_new_tokens and min_length are not supported: remove them from the file")
        if let rule = stored.rules.first {
            throw .model(file: name, problem: "\(rule) is not supported: remove it from the file")
        }
        self.init(eosTokenIDs: Set(stored.eosTokenID?.ids ?? []), repetitionPenalty: penalty)
    }

    init(eosTokenIDs: Set<Int>, repetitionPenalty: Float) {
        self.eosTokenIDs = eosTokenIDs
        self.repetitionPenalty = repetitionPenalty
    }
}

/// The file as it is written.
private struct StoredGenerationConfiguration: Decodable {
    let eosTokenID: TokenIDs?
    let repetitionPenalty: Double?
    let numBeams: Int?
    let noRepeatNGramSize: Int?
    let minNewTokens: Int?
    let minLength: Int?
    /// Keys that change which token is the best one in ways that are not implemented, with a value that does.
    let rules: [String]

    /// Such keys, and the value with which each changes nothing; nil for a list, which does so when it is empty.
    private static let ruleKeys: [(name: String, neutral: Double?)] = [
        ("bad_words_ids", nil), ("begin_suppress_tokens", nil), ("encoder_no_repeat_ngram_size", 0),
        ("encoder_repetition_penalty", 1), ("exponential_decay_length_penalty", nil), ("forced_bos_token_id", nil),
        ("forced_eos_token_id", nil), ("guidance_scale", 1), ("penalty_alpha", 0), ("sequence_bias", nil),
        ("stop_strings", nil), ("suppress_tokens", nil),
    ]

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        eosTokenID = try values.decodeIfPresent(TokenIDs.self, forKey: .eosTokenID)
        repetitionPenalty = try values.decodeIfPresent(Double.self, forKey: .repetitionPenalty)
        numBeams = try values.decodeIfPresent(Int.self, forKey: .numBeams)
        noRepeatNGramSize = try values.decodeIfPresent(Int.self, forKey: .noRepeatNGramSize)
        minNewTokens = try values.decodeIfPresent(Int.self, forKey: .minNewTokens)
        minLength = try values.decodeIfPresent(Int.self, forKey: .minLength)
        let named = try decoder.container(keyedBy: RuleKey.self)
        rules = try Self.ruleKeys.filter { name, neutral in
            guard let key = RuleKey(stringValue: name), named.contains(key), try !named.decodeNil(forKey: key) else {
                return false
            }
            if let neutral { return try named.decode(Double.self, forKey: key) != neutral }
            return (try? named.nestedUnkeyedContainer(forKey: key))?.isAtEnd != true
        }.map(\.name)
    }

    /// A key by its name.
    private struct RuleKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    enum CodingKeys: String, CodingKey {
        case eosTokenID = "eos_token_id"
        case repetitionPenalty = "repetition_penalty"
        case numBeams = "num_beams"
        case noRepeatNGramSize = "no_repeat_ngram_size"
        case minNewTokens = "min_new_tokens"
        case minLength = "min_length"
    }
}
