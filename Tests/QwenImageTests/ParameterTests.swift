import Testing

@testable import QwenImage

/// Defaults, ranges and sizes.
@Suite struct ParameterTests {
    @Test func requestThenModelThenPublishedDefaults() throws {
        var defaults = ModelDefaults()
        defaults.layers = 3
        defaults.numInferenceSteps = 4
        var options = DecompositionOptions()
        options.layers = 2
        options.seed = 9
        let parameters = try options.resolved(with: defaults)
        #expect(parameters.layers == 2)
        #expect(parameters.numInferenceSteps == 4)
        #expect(parameters.resolution == 640)
        #expect(parameters.seed == 9)
        #expect(parameters.negativePrompt == " " && parameters.trueCFGScale == 4 && parameters.doTrueCFG)
    }

    @Test func aSeedIsDrawnAndKept() throws {
        let seeds = try (0..<4).map { _ in try DecompositionOptions().resolved(with: ModelDefaults()).seed }
        #expect(Set(seeds).count > 1)
        #expect(seeds.allSatisfy { $0 <= DecompositionParameters.largestDrawnSeed })
    }

    static let outOfRange: [(String, @Sendable (inout DecompositionOptions) -> Void, [String])] = [
        ("no layers", { $0.layers = 0 }, ["layers", "0", "1 to 16"]),
        ("too many layers", { $0.layers = 17 }, ["layers", "17", "1 to 16"]),
        ("no steps", { $0.numInferenceSteps = 0 }, ["num_inference_steps", "1 to 1000"]),
        ("too small", { $0.resolution = 63 }, ["resolution", "63", "64 to 2048"]),
        ("too large", { $0.resolution = 2049 }, ["resolution", "2049", "64 to 2048"]),
        ("negative guidance", { $0.trueCFGScale = -1 }, ["true_cfg_scale", "0 to 100"]),
        ("guidance that is no number", { $0.trueCFGScale = .nan }, ["true_cfg_scale", "0 to 100"]),
        ("too many images", { $0.numImagesPerPrompt = 9 }, ["num_images_per_prompt", "1 to 8"]),
        ("a cache that takes all", { $0.firstBlockCache = 1.1 }, ["first_block_cache", "0 to 1"]),
        ("a cache of no number", { $0.firstBlockCache = .nan }, ["first_block_cache", "0 to 1"]),
        ("too long a sequence", { $0.maxSequenceLength = 1025 }, ["max_sequence_length", "1 to 1024"]),
        ("an endless prompt", { $0.prompt = String(repeating: "a", count: 65_537) }, ["prompt", "65536"]),
    ]

    @Test(arguments: outOfRange.indices)
    func outOfRangeNamesTheRange(_ index: Int) {
        let (_, change, expected) = Self.outOfRange[index]
        var options = DecompositionOptions()
        change(&options)
        do {
            _ = try options.resolved(with: ModelDefaults())
            Issue.record("accepted")
        } catch {
            for part in expected { #expect(error.description.contains(part), "\(error.description)") }
        }
    }

    /// Sizes as the reference's `calculate_dimensions` gives them.
    @Test(
        arguments: [
            (640, 640, 640, 640, 640), (640, 1920, 1080, 864, 480), (640, 1080, 1920, 480, 864),
            (640, 320, 240, 736, 544),
            (1024, 3000, 2000, 1248, 832), (128, 100, 101, 128, 128), (64, 400, 100, 128, 32), (80, 3, 2, 96, 64),
            (2048, 1, 1, 2048, 2048), (640, 5000, 100, 4512, 96),
        ])
    func outputSize(_ resolution: Int, _ width: Int, _ height: Int, _ outputWidth: Int, _ outputHeight: Int) throws {
        let size = try OutputSize(resolution: resolution, pictureWidth: width, pictureHeight: height)
        #expect(size.width == outputWidth && size.height == outputHeight)
    }

    /// A model for small pictures keeps their aspect by sides of a finer grid.
    @Test(arguments: [(128, 480, 640, 112, 144), (128, 640, 320, 176, 96), (128, 100, 101, 128, 128)])
    func outputSizeOnAFinerGrid(_ resolution: Int, _ width: Int, _ height: Int, _ wide: Int, _ high: Int) throws {
        let size = try OutputSize(
            resolution: resolution, pictureWidth: width, pictureHeight: height, multiple: 16)
        #expect(size.width == wide && size.height == high)
    }

    @Test func aStripThatVanishesIsRefused() {
        #expect(throws: PipelineError.self) {
            try OutputSize(resolution: 64, pictureWidth: 16_000, pictureHeight: 4)
        }
    }
}
