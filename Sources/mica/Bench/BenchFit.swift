import ArgumentParser
import CPUBackend
import Foundation
import HostLimits
import ImageCodecs
import LayerFitting

/// `mica bench fit`: fitting layers of the model's size to a picture.
struct BenchFit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fit", abstract: "Fits layers to a picture of synthetic discs, and checks that they give it.")

    @Option(help: "Layers, 1 to 16.")
    var layers = 4

    @Option(help: "Side of the picture, in pixels.")
    var size = 4900

    @Option(help: "Side of the model's layers, in pixels.")
    var resolution = 640

    @Flag(help: "Give each region of one colour to one layer, as is done with the built-in model's layers.")
    var flatRegions = false

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try OptionRange.check("--layers", layers, 1...LayerFitter.largestCount)
        try OptionRange.check("--size", size, 1...16_384)
        try OptionRange.check("--resolution", resolution, 32...2048)
    }

    func run() throws {
        try CommandFailure.reporting(measure)
    }

    private func measure() throws {
        // The heap as a job has it, and no more of it than is used.
        let backend = CPUBackend()
        let picture = try Self.picture(layers, size: size)
        let stack = try (0..<layers).map { index in
            try SyntheticPicture.layer(index, of: layers, size: resolution, fills: index == 0)
        }
        backend.releaseUnusedMemory()
        let before = ProcessMemory.residentBytes ?? 0
        ProcessMemory.resetPeak()
        var fitted: [PixelBuffer] = []
        let times = try BenchTimes(warmup: options.warmup, repetitions: options.repetitions) {
            fitted = []
            fitted = try LayerFitter.fit(stack, to: picture, flatRegions: flatRegions)
        }
        let after = ProcessMemory.peakResidentBytes ?? 0
        var result = BenchResult(
            work: "fit", times: times, floatingPointOperations: nil, peakTensorBytes: nil,
            parameters: ["layers": layers, "resolution": resolution, "size": size])
        result.figures["megapixels_per_second"] = Double(size * size) / 1e6 / times.median
        result.figures["mebibytes_above_the_picture"] = Double(after - before) / 1_048_576
        let forecast = FitMemory(
            LayerFinish(cleanUp: flatRegions ? AlphaCleanUp() : nil), count: layers, width: resolution,
            height: resolution, pictureWidth: size, pictureHeight: size, threads: ProcessorCount.available,
            flatRegions: flatRegions)
        result.figures["mebibytes_forecast"] = Double(forecast.peakBytes) / 1_048_576
        result.figures["largest_difference"] = Double(try Self.largestDifference(fitted, picture))
        try result.show(options)
    }

    /// The discs over one another, over a filled ground.
    private static func picture(_ count: Int, size: Int) throws(ImageError) -> PixelBuffer {
        var bytes = try SyntheticPicture.layer(0, of: count, size: size, fills: true).bytes
        for index in 1..<max(count, 1) {
            let layer = try SyntheticPicture.layer(index, of: count, size: size).bytes
            for pixel in stride(from: 0, to: bytes.count, by: 4) where layer[pixel + 3] != 0 {
                for byte in pixel..<pixel + 4 { bytes[byte] = layer[byte] }
            }
        }
        return try PixelBuffer(width: size, height: size, bytes: bytes)
    }

    /// Between the stack's composite and the picture.
    private static func largestDifference(_ layers: [PixelBuffer], _ picture: PixelBuffer) throws(ImageError) -> Int {
        let flat = Composite.flatten(
            try LayerTree(layers: layers.map { ImageLayer(name: "layer", pixels: $0) }))
        var largest = 0
        for byte in flat.bytes.indices {
            largest = max(largest, abs(Int(flat.bytes[byte]) - Int(picture.bytes[byte])))
        }
        return largest
    }
}
