import ArgumentParser
import HTTPProtocol
import ImageCodecs
import QwenImage
import ServiceAPI

/// `mica bench encode`: the files of a result.
struct BenchEncode: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode", abstract: "The files of a result: a PNG a layer, one PSD, or both in a form.")

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case png
        case psd
        case multipart
    }

    @Option(help: "png, psd or multipart.")
    var format: Format = .png

    @Option(help: "Layers.")
    var layers = 8

    @Option(help: "Side of the square layers in pixels.")
    var size = 1024

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try OptionRange.check("--layers", layers, DecompositionParameters.layerRange)
        try OptionRange.check("--size", size, 1...8192)
    }

    func run() throws {
        try CommandFailure.reporting(measure)
    }

    private func measure() throws {
        let pictures = try (0..<layers).map { try SyntheticPicture.layer($0, of: layers, size: size) }
        let parameters = try DecompositionOptions().resolved(with: ModelDefaults())
        let decomposition = Decomposition(
            images: [pictures], parameters: parameters, caption: nil, width: size, height: size, stageSeconds: [],
            peakTensorBytes: 0)
        let encoder = ResultEncoder(try LayeredResult(decomposition, modelName: "bench"))
        var byteCount = 0
        let times = try BenchTimes(warmup: options.warmup, repetitions: options.repetitions) {
            byteCount =
                switch format {
                case .png: try encoder.layerParts().reduce(0) { $0 + $1.bytes.count }
                case .psd: try encoder.psdParts().reduce(0) { $0 + $1.bytes.count }
                case .multipart: Self.form(try encoder.parts()).reduce(0) { $0 + $1.count }
                }
        }
        var result = BenchResult(
            work: "encode", times: times, floatingPointOperations: nil, peakTensorBytes: nil,
            parameters: ["format": format.rawValue, "layers": layers, "size": size])
        result.figures["file_bytes"] = Double(byteCount)
        result.figures["megapixels_per_second"] = Double(layers * size * size) / 1e6 / times.median
        try result.show(options)
    }

    /// The bytes that go to a client.
    private static func form(_ parts: [ResultPart]) -> [[UInt8]] {
        var writer = MultipartWriter(boundary: String(repeating: "b", count: 40))
        for part in parts {
            writer.add(name: part.name, fileName: part.fileName, contentType: part.mediaType, content: part.bytes)
        }
        return writer.finished()
    }
}
