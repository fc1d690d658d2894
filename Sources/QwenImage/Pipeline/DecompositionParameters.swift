/// Every parameter of one decomposition, decided; part of the result, so that a picture can be made again.
public struct DecompositionParameters: Sendable, Equatable {
    /// Empty means: caption the picture.
    public var prompt: String?
    public var negativePrompt: String?
    public var trueCFGScale: Double
    public var layers: Int
    public var numInferenceSteps: Int
    public var resolution: Int
    public var cfgNormalize: Bool
    public var useEnPrompt: Bool
    public var numImagesPerPrompt: Int
    public var seed: UInt64
    public var generator: GeneratorKind
    public var dtype: NoiseSource.DType
    public var maxSequenceLength: Int
    /// How much the first block's part may change for the other blocks to be taken from an earlier step, see
    /// `FirstBlockCache`; nil: every step computes all.
    public var firstBlockCache: Double?

    /// Every parameter; nothing is checked before `validate`.
    public init(
        prompt: String?, negativePrompt: String?, trueCFGScale: Double, layers: Int, numInferenceSteps: Int,
        resolution: Int, cfgNormalize: Bool, useEnPrompt: Bool, numImagesPerPrompt: Int, seed: UInt64,
        generator: GeneratorKind, dtype: NoiseSource.DType, maxSequenceLength: Int, firstBlockCache: Double? = nil
    ) {
        self.prompt = prompt
        self.negativePrompt = negativePrompt
        self.trueCFGScale = trueCFGScale
        self.layers = layers
        self.numInferenceSteps = numInferenceSteps
        self.resolution = resolution
        self.cfgNormalize = cfgNormalize
        self.useEnPrompt = useEnPrompt
        self.numImagesPerPrompt = numImagesPerPrompt
        self.seed = seed
        self.generator = generator
        self.dtype = dtype
        self.maxSequenceLength = maxSequenceLength
        self.firstBlockCache = firstBlockCache
    }

    /// Seeds that we draw ourselves stay in the range that every JSON reader keeps exact.
    public static let largestDrawnSeed: UInt64 = (1 << 32) - 1

    /// The accepted ranges; beyond them a request is refused, never clipped.
    public static let layerRange = 1...16
    public static let stepRange = 1...1000
    public static let resolutionRange = 64...2048
    public static let imageCountRange = 1...8
    public static let sequenceLengthRange = 1...1024
    public static let guidanceRange = 0.0...100.0
    public static let firstBlockCacheRange = 0.0...1.0
    /// Prompts are at most this many bytes of UTF-8: far above what 1,024 tokens hold.
    public static let largestPromptBytes = 65_536

    /// True if two branches are computed: a negative prompt is there and the scale is above 1.
    public var doTrueCFG: Bool { negativePrompt != nil && trueCFGScale > 1 }

    /// True if the model must write the prompt itself.
    public var needsCaption: Bool { prompt == nil || prompt == "" || prompt == " " }

    /// Lower resolutions, then also a single layer: the jobs that need less memory, the nearest first.
    public var smallerJobs: [DecompositionParameters] {
        let resolutions = [1536, 1280, 1024, 896, 768, 640, 512, 384, 256, 128, 64]
        return Set([layers, 1]).sorted(by: >).flatMap { layers in
            resolutions.filter { $0 < resolution || layers < self.layers && $0 == resolution }.map { side in
                var smaller = self
                smaller.layers = layers
                smaller.resolution = side
                return smaller
            }
        }
    }

    /// Throws `parameterOutOfRange` with the range for the first parameter that is outside of its own.
    public func validate() throws(PipelineError) {
        try check("layers", layers, Self.layerRange)
        try check("num_inference_steps", numInferenceSteps, Self.stepRange)
        try check("resolution", resolution, Self.resolutionRange)
        try check("num_images_per_prompt", numImagesPerPrompt, Self.imageCountRange)
        try check("max_sequence_length", maxSequenceLength, Self.sequenceLengthRange)
        guard Self.guidanceRange.contains(trueCFGScale) else {
            throw .parameterOutOfRange(name: "true_cfg_scale", value: "\(trueCFGScale)", range: "0 to 100")
        }
        if let firstBlockCache, !Self.firstBlockCacheRange.contains(firstBlockCache) {
            throw .parameterOutOfRange(name: "first_block_cache", value: "\(firstBlockCache)", range: "0 to 1")
        }
        for (name, text) in [("prompt", prompt), ("negative_prompt", negativePrompt)] {
            if let text, text.utf8.count > Self.largestPromptBytes {
                throw .parameterOutOfRange(
                    name: name, value: "\(text.utf8.count) bytes", range: "up to \(Self.largestPromptBytes) bytes")
            }
        }
    }

    private func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws(PipelineError) {
        guard range.contains(value) else {
            throw .parameterOutOfRange(
                name: name, value: "\(value)", range: "\(range.lowerBound) to \(range.upperBound)")
        }
    }
}
