/// What a caller asks of one decomposition; anything left nil takes the model's own default, then the general one.
///
/// The fields are the reference pipeline's (`QwenImageLayeredPipeline.__call__`), in Swift's spelling.
public struct DecompositionOptions: Sendable, Equatable {
    /// Describes the picture; nil, "" and " " have the model write a caption.
    public var prompt: String?
    /// What to steer away from; guidance needs one (even " ") and a scale above 1.
    public var negativePrompt: String?
    /// Guidance scale.
    public var trueCFGScale: Double?
    /// Number of layers.
    public var layers: Int?
    /// True to decompose into `maxLayers`, of which whoever asked keeps as many as the picture has.
    public var countsLayers = false
    /// The most layers where their number is left to the picture.
    public var maxLayers: Int?
    /// `maxLayers` if neither the caller nor the model says.
    public static let usualMaxLayers = 8
    /// Denoising steps.
    public var numInferenceSteps: Int?
    /// Side of the square whose area the result has, in pixels.
    public var resolution: Int?
    /// Rescale the guided prediction to the conditional one's norm.
    public var cfgNormalize: Bool?
    /// Caption in English (true) or Chinese (false).
    public var useEnPrompt: Bool?
    /// Results for the one picture, each from noise of its own.
    public var numImagesPerPrompt: Int?
    /// Seed of the noise; nil draws one, and the result says which.
    public var seed: UInt64?
    /// Which of torch's generators the noise equals.
    public var generator: GeneratorKind?
    /// The precision in which the reference would run, and so in which the noise is drawn.
    public var dtype: NoiseSource.DType?
    /// Prompt tokens kept, 1...1024.
    public var maxSequenceLength: Int?
    /// Threshold of the first block cache, 0...1; without one every step computes all blocks.
    public var firstBlockCache: Double?

    /// Nothing asked: every default.
    public init() {}

    /// The options with every default filled in, each checked against its range.
    public func resolved(with defaults: ModelDefaults) throws(PipelineError) -> DecompositionParameters {
        if let maxLayers, !countsLayers {
            throw .parameterOutOfRange(
                name: "max_layers", value: "\(maxLayers)", range: "left out unless layers is auto")
        }
        let parameters = DecompositionParameters(
            prompt: prompt ?? defaults.prompt,
            negativePrompt: negativePrompt ?? defaults.negativePrompt ?? " ",
            trueCFGScale: trueCFGScale ?? defaults.trueCFGScale ?? 4,
            layers: countsLayers
                ? maxLayers ?? defaults.maxLayers ?? Self.usualMaxLayers : layers ?? defaults.layers ?? 4,
            numInferenceSteps: numInferenceSteps ?? defaults.numInferenceSteps ?? 50,
            resolution: resolution ?? defaults.resolution ?? 640,
            cfgNormalize: cfgNormalize ?? defaults.cfgNormalize ?? true,
            useEnPrompt: useEnPrompt ?? defaults.useEnPrompt ?? true,
            numImagesPerPrompt: numImagesPerPrompt ?? 1,
            seed: seed ?? UInt64.random(in: 0...DecompositionParameters.largestDrawnSeed),
            generator: generator ?? .cpu,
            dtype: dtype ?? .float32,
            maxSequenceLength: maxSequenceLength ?? defaults.maxSequenceLength ?? 512,
            firstBlockCache: firstBlockCache ?? defaults.firstBlockCache)
        try parameters.validate()
        return parameters
    }
}
