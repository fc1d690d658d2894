import QwenImage

/// The parameters of a decomposition as requests spell them: the reference pipeline's names, and a few short ones.
public enum LayerParameter: String, Sendable, CaseIterable {
    case prompt
    case negativePrompt = "negative_prompt"
    case trueCFGScale = "true_cfg_scale"
    case layers
    case maxLayers = "max_layers"
    case numInferenceSteps = "num_inference_steps"
    case resolution
    case cfgNormalize = "cfg_normalize"
    case useEnPrompt = "use_en_prompt"
    case numImagesPerPrompt = "num_images_per_prompt"
    case seed
    case generator
    case dtype
    case maxSequenceLength = "max_sequence_length"
    case firstBlockCache = "first_block_cache"

    /// Short names, and what they stand for.
    private static let shortNames: [String: LayerParameter] = [
        "steps": .numInferenceSteps, "images": .numImagesPerPrompt, captionLanguage: .useEnPrompt,
    ]
    static let captionLanguage = "caption_language"
    /// The value of `layers` that leaves their number to the picture.
    static let automatic = "auto"

    /// Every name that is accepted, in a fixed order.
    public static let names = allCases.map(\.rawValue) + shortNames.keys.sorted()

    /// The parameter that `name` stands for, or nil.
    init?(name: String) {
        guard let found = LayerParameter(rawValue: name) ?? Self.shortNames[name] else { return nil }
        self = found
    }

    /// What its values are in JSON.
    var jsonKind: RequestJSON.Kind {
        switch self {
        case .prompt, .negativePrompt, .generator, .dtype: .string
        case .cfgNormalize, .useEnPrompt: .boolean
        case .trueCFGScale, .layers, .maxLayers, .numInferenceSteps, .resolution, .numImagesPerPrompt, .seed,
            .maxSequenceLength, .firstBlockCache:
            .number
        }
    }

    /// Sets this parameter, spelt `name` in the request, to `text`.
    ///
    /// Throws if the text cannot be read; ranges are the engine's business.
    func set(_ text: String, name: String, in options: inout DecompositionOptions) throws(ServiceError) {
        switch self {
        case .prompt: options.prompt = text
        case .negativePrompt: options.negativePrompt = text
        case .trueCFGScale:
            options.trueCFGScale = try ParameterText.decimal(
                text, name, DecompositionParameters.guidanceRange, "a number from 0 to 100")
        case .layers:
            options.countsLayers = text == Self.automatic
            if !options.countsLayers {
                let range = DecompositionParameters.layerRange
                options.layers = try ParameterText.integer(text, name, range, orElse: Self.automatic)
            }
        case .maxLayers: options.maxLayers = try integer(text, name, DecompositionParameters.layerRange)
        case .numInferenceSteps:
            options.numInferenceSteps = try integer(text, name, DecompositionParameters.stepRange)
        case .resolution: options.resolution = try integer(text, name, DecompositionParameters.resolutionRange)
        case .cfgNormalize: options.cfgNormalize = try ParameterText.boolean(text, name)
        case .useEnPrompt:
            options.useEnPrompt =
                name == Self.captionLanguage
                ? try ParameterText.choice(text, name, [("en", true), ("zh", false)])
                : try ParameterText.boolean(text, name)
        case .numImagesPerPrompt:
            options.numImagesPerPrompt = try integer(text, name, DecompositionParameters.imageCountRange)
        case .seed:
            guard ParameterText.isNumber(text), let seed = UInt64(text) else {
                throw .unreadableParameter(
                    name: name, value: ParameterText.shortened(text),
                    expected: "a whole number from 0 to \(UInt64.max)")
            }
            options.seed = seed
        case .generator: options.generator = try ParameterText.choice(text, name, [("cpu", .cpu), ("cuda", .cuda)])
        case .dtype:
            options.dtype = try ParameterText.choice(text, name, [("float32", .float32), ("bfloat16", .bfloat16)])
        case .maxSequenceLength:
            options.maxSequenceLength = try integer(text, name, DecompositionParameters.sequenceLengthRange)
        case .firstBlockCache:
            options.firstBlockCache = try ParameterText.decimal(
                text, name, DecompositionParameters.firstBlockCacheRange, "a number from 0 to 1")
        }
    }

    private func integer(_ text: String, _ name: String, _ range: ClosedRange<Int>) throws(ServiceError) -> Int {
        try ParameterText.integer(text, name, range)
    }
}
