import ArgumentParser
import ServiceAPI

extension FileOptions.LayerFormat: ExpressibleByArgument {}

/// How result files are written, as command-line options.
struct FileWritingOptions: ParsableArguments {
    @Option(help: "Single layers in a folder or ZIP: png, or webp (lossless, smaller, slower); png if not given.")
    var layerFormat: FileOptions.LayerFormat?

    @Flag(
        help: "Single layers in a folder or ZIP without the empty space around them; the JSON says where they lie.")
    var trim = false

    @Flag(inversion: .prefixedNo, help: "One group around all layers in PSD, PSB and ORA.")
    var group = true

    @Flag(inversion: .prefixedNo, help: "Write prompt, seed and other parameters into the files.")
    var metadata = true

    @Flag(help: "Also write a contact sheet: all layers side by side on a checkerboard, as PNG.")
    var sheet = false

    /// Throws if an option is for single layers, and the output has none.
    func check(for kind: OutputTarget.Kind) throws {
        guard kind != .folder, kind != .zip else { return }
        for (name, isGiven) in [("--layer-format", layerFormat != nil), ("--trim", trim)] where isGiven {
            throw ValidationError("\(name) goes with an --output that is a folder or a .zip")
        }
    }

    /// What the encoder takes.
    var options: FileOptions {
        var options = FileOptions()
        options.layerFormat = layerFormat ?? options.layerFormat
        options.isTrimmed = trim
        options.hasGroup = group
        options.hasMetadata = metadata
        return options
    }
}
