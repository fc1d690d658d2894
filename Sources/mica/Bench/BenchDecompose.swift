import ArgumentParser
import Foundation
import ImageCodecs
import QwenImage
import TensorCore

/// `mica bench decompose`: a whole decomposition, of a model folder or with synthetic weights.
struct BenchDecompose: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decompose", abstract: "A whole decomposition with guidance.")

    @Option(help: "A model's folder; synthetic weights of --blocks, --hidden and --base if not given.")
    var model: String?

    @Option(help: "The picture for --model; a drawn one if not given.")
    var image: String?

    @Option(help: ArgumentHelp("Noise for --model: a safetensors file with 'latents'.", valueName: "file"))
    var latents: String?

    @Option(help: "Blocks of the synthetic transformer.")
    var blocks = 12

    @Option(help: "Width of the synthetic transformer, a multiple of 128.")
    var hidden = 1536

    @Option(help: "Channels of the synthetic autoencoder's outermost level.")
    var base = 96

    @Option(help: "Side of the picture in pixels.")
    var resolution = 640

    @Option(help: "Layers.")
    var layers = 3

    @Option(help: "Denoising steps.")
    var steps = 4

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try OptionRange.check("--blocks", blocks, 1...1000)
        try OptionRange.check("--hidden", hidden, 128...65_536)
        try OptionRange.check("--base", base, 1...4096)
        try OptionRange.check("--resolution", resolution, DecompositionParameters.resolutionRange)
        try OptionRange.check("--layers", layers, DecompositionParameters.layerRange)
        try OptionRange.check("--steps", steps, DecompositionParameters.stepRange)
        guard hidden.isMultiple(of: 128), resolution.isMultiple(of: 16) else {
            throw ValidationError("--hidden must be a multiple of 128 and --resolution one of 16")
        }
    }

    func run() throws {
        try CommandFailure.reporting(measure)
    }

    private func measure() throws {
        var parameters: [String: Any] = ["resolution": resolution, "layers": layers, "steps": steps]
        let result: BenchResult
        if let model {
            parameters["model"] = URL(fileURLWithPath: model).lastPathComponent
            let picture = try image.map(PictureFile.read) ?? SyntheticPicture.layer(0, of: 1, size: resolution)
            let noise = try latents.map { try LatentsFile.read($0) }
            result = try BenchRunner.run("decompose", options, parameters: parameters) { backend, _ in
                try prepare(URL(fileURLWithPath: model), picture, noise, backend)
            }
        } else {
            let sizes = SyntheticDecomposition.Sizes(
                blocks: blocks, hidden: hidden, base: base, resolution: resolution, layers: layers, steps: steps)
            parameters.merge(["blocks": blocks, "hidden": hidden, "base": base]) { $1 }
            result = try BenchRunner.run("decompose", options, parameters: parameters) { backend, source in
                try SyntheticDecomposition(sizes, backend: backend, source: source).run
            }
        }
        try result.show(options)
    }

    /// The pipeline as a request uses it, opened beforehand.
    private func prepare(
        _ folder: URL, _ picture: PixelBuffer, _ noise: [Float]?, _ backend: any Backend
    ) throws -> BenchRunner.Work {
        let pipeline = try LayeredPipeline(model: folder, backend: backend)
        var asked = DecompositionOptions()
        asked.prompt = "A poster with a red title, a yellow circle and a blue background."
        asked.negativePrompt = " "
        asked.trueCFGScale = 4
        asked.layers = layers
        asked.numInferenceSteps = steps
        asked.resolution = resolution
        asked.seed = 1
        let parameters = try pipeline.model.parameters(for: asked)
        return { _ = try pipeline.decompose(picture, parameters: parameters, latents: noise) }
    }
}
