import ArgumentParser
import ServiceAPI

extension FileOptions.LayerFormat: ExpressibleByArgument {}

/// How result files are written, as command-line options.
struct FileWritingOptions: ParsableArguments {
    @Option(help: "Single layers in a folder or ZIP: png, or webp (lossless, smaller, slower).")
    var layerFormat: FileOptions.LayerFormat = .png

    @Flag(help: "Single layers without the empty space around them; the JSON says where they lie.")
    var trim = false

    @Flag(inversion: .prefixedNo, help: "One group around all layers in PSD, PSB and ORA.")
    var group = true

    @Flag(inversion: .prefixedNo, help: "Write prompt, seed and other parameters into the files.")
    var metadata = true

    @Flag(help: "Also write a contact sheet: all layers side by side on a checkerboard, as PNG.")
    var sheet = false

    /// What the encoder takes.
    var options: FileOptions {
        var options = FileOptions()
        options.layerFormat = layerFormat
        options.isTrimmed = trim
        options.hasGroup = group
        options.hasMetadata = metadata
        return options
    }
}
