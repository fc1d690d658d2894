import ArgumentParser
import QwenImage
import TensorCore

/// `mica bench vae`: the autoencoder over one picture.
struct BenchVAE: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vae", abstract: "The autoencoder over one square picture.")

    enum Direction: String, CaseIterable, ExpressibleByArgument {
        case decode
        case encode
    }

    @Option(help: "Side of the picture in pixels, a multiple of 16.")
    var resolution = 640

    @Option(help: "Channels of the outermost level (base_dim).")
    var base = 96

    @Option(help: "decode, a latent to a picture, or encode.")
    var direction: Direction = .decode

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try OptionRange.check("--resolution", resolution, 16...8192)
        try OptionRange.check("--base", base, 1...4096)
        guard resolution.isMultiple(of: 16) else { throw ValidationError("--resolution must be a multiple of 16") }
    }

    func run() throws {
        try CommandFailure.reporting(measure)
    }

    private func measure() throws {
        let parameters: [String: Any] = ["resolution": resolution, "base": base, "direction": direction.rawValue]
        let result = try BenchRunner.run("vae", options, parameters: parameters) { backend, source in
            let configuration = AutoencoderConfiguration.synthetic(baseDim: base)
            let autoencoder = AutoencoderKLQwenImage(configuration: configuration, source: source, backend: backend)
            let cells = resolution / configuration.scaleFactor
            let isDecoding = direction == .decode
            let input = try SyntheticValues.tensor(
                isDecoding ? [cells, cells, configuration.zDim] : [resolution, resolution, 4],
                bound: isDecoding ? 1.7 : 1, on: backend)
            return { _ = isDecoding ? try autoencoder.decode(input) : try autoencoder.encode(input) }
        }
        try result.show(options)
    }
}

extension AutoencoderConfiguration {
    /// The published model's, of another width.
    static func synthetic(baseDim: Int) -> AutoencoderConfiguration {
        var configuration = AutoencoderConfiguration()
        configuration.baseDim = baseDim
        configuration.inputChannels = 4
        configuration.latentsMean = [Float](repeating: 0, count: configuration.zDim)
        configuration.latentsStd = [Float](repeating: 1, count: configuration.zDim)
        return configuration
    }
}
