import Foundation

/// The configuration that PEFT saves beside a LoRA's tensors, as JSON in the header's text `lora_adapter_metadata`.
///
/// Source: diffusers `loaders/lora_base.py`, `LORA_ADAPTER_METADATA_KEY`, and `loaders/peft.py`, `load_lora_adapter`:
/// the keys of the transformer's part begin with `transformer.`.
struct LoRAMetadata: Sendable, Decodable {
    /// The header's text.
    static let key = "lora_adapter_metadata"
    /// PEFT's own default, where a configuration says nothing.
    private static let defaultAlpha = 8.0

    private let alpha: Double?
    /// By the end of a module's name.
    private let alphaPattern: [String: Double]?
    private let usesRankStabilisation: Bool?
    private let usesDoRA: Bool?
    /// True if anything is said of the transformer.
    private let isPresent: Bool

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case alpha = "transformer.lora_alpha"
        case alphaPattern = "transformer.alpha_pattern"
        case rank = "transformer.r"
        case usesRankStabilisation = "transformer.use_rslora"
        case usesDoRA = "transformer.use_dora"
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        alpha = try values.decodeIfPresent(Double.self, forKey: .alpha)
        alphaPattern = try values.decodeIfPresent([String: Double].self, forKey: .alphaPattern)
        usesRankStabilisation = try values.decodeIfPresent(Bool.self, forKey: .usesRankStabilisation)
        usesDoRA = try values.decodeIfPresent(Bool.self, forKey: .usesDoRA)
        isPresent = !values.allKeys.isEmpty
    }

    /// Reads a header's text.
    init(text: String) throws(LoRAProblem) {
        do {
            self = try JSONDecoder().decode(LoRAMetadata.self, from: Data(text.utf8))
        } catch {
            throw .metadataInvalid(Self.reason(error))
        }
        if usesDoRA == true { throw .otherKind("DoRA") }
        for (pattern, _) in alphaPattern ?? [:] where !Self.isLiteral(pattern) {
            throw .metadataInvalid("alpha_pattern has '\(pattern)', but only names are read there")
        }
    }

    /// What a module's product of the two matrices is multiplied by.
    func scale(of module: String, rank: Int) -> Double {
        guard isPresent else { return 1 }
        let named = alphaPattern?.filter { pattern, _ in Self.matches(pattern, module) }
        // PEFT takes the first that matches; the longest name is the one that was meant.
        let alpha = named?.max { ($0.key.count, $1.key) < ($1.key.count, $0.key) }?.value ?? alpha ?? Self.defaultAlpha
        return alpha / (usesRankStabilisation == true ? Double(rank).squareRoot() : Double(rank))
    }

    private static func matches(_ pattern: String, _ module: String) -> Bool {
        guard !pattern.hasPrefix("^") else { return module == pattern.dropFirst() }
        return module == pattern || module.hasSuffix("." + pattern)
    }

    /// PEFT reads patterns as regular expressions; files have names there, perhaps with an anchor before them.
    private static func isLiteral(_ pattern: String) -> Bool {
        (pattern.hasPrefix("^") ? pattern.dropFirst() : pattern[...]).utf8.allSatisfy { byte in
            byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || Character(Unicode.Scalar(byte)).isLetter
                || Character(Unicode.Scalar(byte)).isNumber
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error as? DecodingError {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context):
            "\(context.codingPath.map(\.stringValue).joined(separator: "/")) has a value of another kind"
        default: "it is not JSON"
        }
    }
}
