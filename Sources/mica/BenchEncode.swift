import ArgumentParser
import ImageCodecs
import QwenImage
import ServiceAPI

/// `mica bench encode`: the files of a result.
struct BenchEncode: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode", abstract: "The files of a result: a PNG a layer, or one PSD.")

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case png
        case psd
    }

    @Option(help: "png or psd.")
    var format: Format = .png

    @Option(help: "Layers.")
    var layers = 8

    @Option(help: "Side of the square layers in pixels.")
    var size = 1024

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try BenchOptions.check("--layers", layers, DecompositionParameters.layerRange)
        try BenchOptions.check("--size", size, 1...8192)
    }

    func run() throws {
        let pictures = try (0..<layers).map { try SyntheticPicture.layer($0, of: layers, size: size) }
        let parameters = try DecompositionOptions().resolved(with: ModelDefaults())
        let encoder = ResultEncoder(
            Decomposition(
                images: [pictures], parameters: parameters, caption: nil, width: size, height: size, stageSeconds: [],
                peakTensorBytes: 0),
            modelName: "bench")
        var byteCount = 0
        let times = try BenchTimes(warmup: options.warmup, repetitions: options.repetitions) {
            let parts = format == .png ? try encoder.layerParts() : try encoder.psdParts()
            byteCount = parts.reduce(0) { $0 + $1.bytes.count }
        }
        var result = BenchResult(
            work: "encode", times: times, floatingPointOperations: nil, peakTensorBytes: nil,
            parameters: ["format": format.rawValue, "layers": layers, "size": size])
        result.figures["file_bytes"] = Double(byteCount)
        result.figures["megapixels_per_second"] = Double(layers * size * size) / 1e6 / times.median
        try result.show(options)
    }
}
