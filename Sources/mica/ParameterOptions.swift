import ArgumentParser
import QwenImage

extension GeneratorKind: ExpressibleByArgument {}
extension VAETiling: ExpressibleByArgument {}
extension NoiseSource.DType: ExpressibleByArgument {}

/// The parameters of a decomposition as command-line options, named as the reference names them.
struct ParameterOptions: ParsableArguments {
    @Option(help: "Describes the picture. Without one the model writes a caption.")
    var prompt: String?

    @Option(help: "What to steer away from; takes part if --true-cfg-scale is above 1.")
    var negativePrompt: String?

    @Option(
        help: ArgumentHelp(
            "Guidance scale, 0 to 100; 1 or less turns guidance off and halves the time.", valueName: "scale"))
    var trueCFGScale: Double?

    @Option(help: ArgumentHelp("Number of layers, 1 to 16, or auto: as many as the picture has.", valueName: "n"))
    var layers: LayerCount?

    @Option(help: ArgumentHelp("The most layers with --layers auto, 1 to 16.", valueName: "n"))
    var maxLayers: Int?

    @Option(
        help: ArgumentHelp(
            "Side of the square whose area the layers have, 64 to 2048 pixels"
                + " (the published model knows 640 and 1024).",
            valueName: "pixels"))
    var resolution: Int?

    @Option(
        name: [.long, .customLong("num-inference-steps")],
        help: ArgumentHelp("Denoising steps, 1 to 1000.", valueName: "n"))
    var steps: Int?

    @Flag(inversion: .prefixedNo, help: "Give the guided prediction the norm of the conditional one.")
    var cfgNormalize: Bool?

    @Option(help: ArgumentHelp("Language of the caption: en or zh.", valueName: "language"))
    var captionLanguage: CaptionLanguage?

    @Option(
        name: [.long, .customLong("num-images-per-prompt")],
        help: ArgumentHelp("Results for the one picture, 1 to 8.", valueName: "n"))
    var images: Int?

    @Option(help: "Seed of the noise, 0 to \(UInt64.max); drawn if not given, and reported.")
    var seed: UInt64?

    @Option(help: "Whose random numbers: torch's on the cpu or on cuda.")
    var generator: GeneratorKind?

    @Option(
        help:
            "The precision that the reference would run in, which decides how the noise is drawn: float32 or bfloat16.")
    var dtype: NoiseSource.DType?

    @Option(help: ArgumentHelp("Prompt tokens kept, 1 to 1024.", valueName: "n"))
    var maxSequenceLength: Int?

    @Option(
        help: ArgumentHelp(
            """
            Spare all blocks but the first where that one adds nearly what it added before, as diffusers' first block \
            cache: how much may change, 0 to 1 (0.05 to 0.2 are usual). Layers change a little.
            """, valueName: "threshold"))
    var firstBlockCache: Double?

    func validate() throws {
        typealias Ranges = DecompositionParameters
        var counts = [
            ("--max-layers", maxLayers, Ranges.layerRange), ("--resolution", resolution, Ranges.resolutionRange),
            ("--steps", steps, Ranges.stepRange), ("--images", images, Ranges.imageCountRange),
            ("--max-sequence-length", maxSequenceLength, Ranges.sequenceLengthRange),
        ]
        if case .count(let count)? = layers { counts.append(("--layers", count, Ranges.layerRange)) }
        for (name, value, range) in counts {
            guard let value else { continue }
            try OptionRange.check(name, value, range)
        }
        guard trueCFGScale.map(Ranges.guidanceRange.contains) != false else {
            throw ValidationError("--true-cfg-scale must be 0 to 100")
        }
        guard firstBlockCache.map(Ranges.firstBlockCacheRange.contains) != false else {
            throw ValidationError("--first-block-cache must be 0 to 1")
        }
        guard maxLayers == nil || layers == .automatic else {
            throw ValidationError("--max-layers goes with --layers auto")
        }
    }

    /// The options as the pipeline takes them.
    func options() throws -> DecompositionOptions {
        var options = DecompositionOptions()
        options.prompt = prompt
        options.negativePrompt = negativePrompt
        options.trueCFGScale = trueCFGScale
        if case .count(let count)? = layers { options.layers = count }
        options.countsLayers = layers == .automatic
        options.maxLayers = maxLayers
        options.resolution = resolution
        options.numInferenceSteps = steps
        options.cfgNormalize = cfgNormalize
        options.useEnPrompt = captionLanguage.map { $0 == .english }
        options.numImagesPerPrompt = images
        options.seed = seed
        options.generator = generator
        options.dtype = dtype
        options.maxSequenceLength = maxSequenceLength
        options.firstBlockCache = firstBlockCache
        return options
    }
}

extension CaptionLanguage: ExpressibleByArgument {}

/// A number of layers, or the wish to leave it to the picture.
enum LayerCount: ExpressibleByArgument, Equatable {
    case count(Int)
    case automatic

    init?(argument: String) {
        if argument == "auto" {
            self = .automatic
        } else if let count = Int(argument) {
            self = .count(count)
        } else {
            return nil
        }
    }
}
