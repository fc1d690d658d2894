import ArgumentParser
import Foundation
import ImageCodecs
import LayerFitting
import QwenImage

/// `mica fit`: layers that were made elsewhere, or kept at the model's size, brought to their picture.
struct Fit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fits layers that are there already to the picture they were made from.",
        discussion: """
            The layers, bottom first and of one size, come out with the picture's size and sharpness; together \
            they are the picture. The output is a folder (layer_1.png ..., manifest.json) or one file: .psd, .psb, \
            .ora, .pptx, .zip. What is read is never written over.
            """)

    @Argument(help: ArgumentHelp("The picture: PNG, JPEG or WebP.", valueName: "image"))
    var image: String

    @Argument(help: ArgumentHelp("The layers, bottom first.", valueName: "layer"))
    var layers: [String]

    @Option(name: .shortAndLong, help: "A folder, or a file ending in \(OutputTarget.endings).")
    var output: String

    @OptionGroup(title: "Layers") var finishing: FinishOptions

    func validate() throws {
        guard layers.count <= LayerFitter.largestCount else {
            throw ValidationError("there may be at most \(LayerFitter.largestCount) layers")
        }
    }

    func run() throws {
        try CommandFailure.reportingUnlessCancelled(fit)
    }

    private func fit(_ cancellation: Cancellation) throws {
        let picture = try PictureFile.read(image)
        let stack = try layers.map { path in
            try cancellation.check()
            return try PictureFile.read(path)
        }
        let target = try OutputTarget(path: output, inputs: InputFiles([image] + layers))
        var succeeded = false
        defer { if !succeeded { target.discard() } }
        try cancellation.check()
        let fitted = try finishing.finish(mergesLayers: false).finish(stack, of: picture)
        try cancellation.check()
        let named = fitted.enumerated().map { index, pixels in
            ImageLayer(name: index == 0 ? "background" : "layer \(index + 1)", pixels: pixels)
        }
        let files = try LayerFiles.files(of: LayerTree(layers: named), for: target)
        try cancellation.check()
        let written = try target.write(files)
        succeeded = true
        try StandardOutput.print(written.joined(separator: "\n"))
    }
}
