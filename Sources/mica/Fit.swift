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
            The layers are pictures, bottom first and of one size, or one file of layers: a PSD, PSB or OpenRaster \
            file, a ZIP or folder with manifest.json. They come out with the picture's size and sharpness and, of a \
            file of layers, with their names and groups; together they are the picture. The output is a folder \
            (layer_1.png ..., manifest.json) or one file: .psd, .psb, .ora, .pptx, .zip. What is read is never \
            written over.
            """)

    @Argument(help: ArgumentHelp("The picture: PNG, JPEG or WebP.", valueName: "image"))
    var image: String

    @Argument(
        help: ArgumentHelp("The layers, bottom first, or a file or folder that holds them.", valueName: "layer"))
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
        let given = try FitLayers.read(layers, cancellation)
        let target = try OutputTarget(path: output, inputs: InputFiles([image] + given.files))
        var succeeded = false
        defer { if !succeeded { target.discard() } }
        try cancellation.check()
        var finish = finishing.finish(mergesLayers: false)
        // Those that hold nothing are dropped where it is known which they are.
        finish.emptyLayers = .keep
        let fitted = try finish.finish(given.stack, of: picture)
        try cancellation.check()
        let tree = try given.tree(of: fitted, dropsEmpty: finishing.emptyLayers == .drop)
        let files = try LayerFiles.files(of: tree, for: target)
        try cancellation.check()
        let written = try target.write(files)
        succeeded = true
        if let doubt = given.doubt(about: picture) { StandardError.write("mica: \(doubt)\n") }
        try StandardOutput.print(written.joined(separator: "\n"))
    }
}
