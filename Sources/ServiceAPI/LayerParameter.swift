import QwenImage

/// The parameters of a decomposition as requests spell them: the reference pipeline's names, and a few short ones.
public enum LayerParameter: String, Sendable, CaseIterable {
    case prompt
    case negativePrompt = "negative_prompt"
    case trueCFGScale = "true_cfg_scale"
    case layers
    case numInferenceSteps = "num_inference_steps"
    case resolution
    case cfgNormalize = "cfg_normalize"
    case useEnPrompt = "use_en_prompt"
    case numImagesPerPrompt = "num_images_per_prompt"
    case seed
    case generator
    case dtype
    case maxSequenceLength = "max_sequence_length"

    /// Short names, and what they stand for.
    private static let shortNames: [String: LayerParameter] = [
        "steps": .numInferenceSteps, "images": .numImagesPerPrompt, captionLanguage: .useEnPrompt,
    ]
    private static let captionLanguage = "caption_language"

    /// Every name that is accepted, in a fixed order.
    public static let names = allCases.map(\.rawValue) + shortNames.keys.sorted()

    /// The parameter that `name` stands for, or nil.
    init?(name: String) {
        guard let found = LayerParameter(rawValue: name) ?? Self.shortNames[name] else { return nil }
        self = found
    }

    /// Sets this parameter, spelt `name` in the request, to `text`.
    ///
    /// Throws if the text cannot be read; ranges are the engine's business.
    func set(_ text: String, name: String, in options: inout DecompositionOptions) throws(ServiceError) {
        switch self {
        case .prompt: options.prompt = text
        case .negativePrompt: options.negativePrompt = text
        case .trueCFGScale: options.trueCFGScale = try Self.decimal(text, name, range: "a number from 0 to 100")
        case .layers: options.layers = try Self.integer(text, name, DecompositionParameters.layerRange)
        case .numInferenceSteps:
            options.numInferenceSteps = try Self.integer(text, name, DecompositionParameters.stepRange)
        case .resolution: options.resolution = try Self.integer(text, name, DecompositionParameters.resolutionRange)
        case .cfgNormalize: options.cfgNormalize = try Self.boolean(text, name)
        case .useEnPrompt:
            options.useEnPrompt =
                name == Self.captionLanguage
                ? try Self.choice(text, name, [("en", true), ("zh", false)]) : try Self.boolean(text, name)
        case .numImagesPerPrompt:
            options.numImagesPerPrompt = try Self.integer(text, name, DecompositionParameters.imageCountRange)
        case .seed:
            guard Self.isNumber(text), let seed = UInt64(text) else {
                throw .unreadableParameter(
                    name: name, value: Self.shortened(text), expected: "a whole number from 0 to \(UInt64.max)")
            }
            options.seed = seed
        case .generator: options.generator = try Self.choice(text, name, [("cpu", .cpu), ("cuda", .cuda)])
        case .dtype:
            options.dtype = try Self.choice(text, name, [("float32", .float32), ("bfloat16", .bfloat16)])
        case .maxSequenceLength:
            options.maxSequenceLength = try Self.integer(text, name, DecompositionParameters.sequenceLengthRange)
        }
    }

    // MARK: Values

    /// Digits alone: `Int("+5")` would be 5.
    private static func isNumber(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func integer(
        _ text: String, _ name: String, _ range: ClosedRange<Int>
    ) throws(ServiceError) -> Int {
        guard isNumber(text), let value = Int(text), range.contains(value) else {
            throw .unreadableParameter(
                name: name, value: shortened(text),
                expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private static func decimal(_ text: String, _ name: String, range: String) throws(ServiceError) -> Double {
        let isPlain = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E }
        guard isPlain, let value = Double(text), DecompositionParameters.guidanceRange.contains(value) else {
            throw .unreadableParameter(name: name, value: shortened(text), expected: range)
        }
        return value
    }

    private static func boolean(_ text: String, _ name: String) throws(ServiceError) -> Bool {
        try choice(text, name, [("true", true), ("false", false), ("1", true), ("0", false)])
    }

    private static func choice<Value>(
        _ text: String, _ name: String, _ choices: [(String, Value)]
    ) throws(ServiceError) -> Value {
        for (known, value) in choices where known == text { return value }
        throw .unreadableParameter(
            name: name, value: shortened(text), expected: choices.map(\.0).joined(separator: " or "))
    }

    /// What goes into a message of one line.
    private static func shortened(_ text: String) -> String { String(text.prefix(40)) }
}
