import ArgumentParser
import Foundation
import ImageCodecs
import ServiceAPI

/// `mica recompose`: layers in, the flat picture out.
struct Recompose: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Puts layers back together, edited or not.",
        discussion: """
            The layers are a PSD, PSB or OpenRaster file, a ZIP or folder with manifest.json and pictures, or a \
            folder that 'mica decompose' wrote. Offsets, opacity, visibility, groups, clipping and blend modes \
            count. The output's ending says what it is: .png, .webp, .jpg, or .psd, .psb, .ora, .pptx, .zip for the \
            layers in another format; without an ending it is a folder of PNGs with manifest.json. What is read is \
            never written over.
            """)

    @Argument(help: ArgumentHelp("The layers: a file, a folder or a manifest.", valueName: "layers"))
    var input: String

    @Option(name: .shortAndLong, help: "The picture, file of layers or folder to write.")
    var output: String

    @Option(help: "Which of several images, 1 for the first.")
    var image = 1

    @Option(help: ArgumentHelp("A colour behind the picture, as '#ffffff'; JPEG takes white.", valueName: "colour"))
    var background: String?

    @Option(help: "The quality of a JPEG, 1 to 100.")
    var quality = FlatPicture().quality

    @Option(
        help: """
            When sums become bytes: once, as GIMP and psd-tools do; each-layer, as Krita does; auto for what fits the \
            flat picture that the file carries.
            """)
    var rounding = Rounding.auto

    @Option(help: ArgumentHelp("Also write a contact sheet of the layers, as PNG.", valueName: "file"))
    var sheet: String?

    /// The endings of pictures without layers.
    private static let flatEndings = ["png", "webp", "jpg", "jpeg"]

    func validate() throws {
        guard FlatPicture.qualities.contains(quality) else { throw ValidationError("--quality must be 1 to 100") }
        guard image >= 1 else { throw ValidationError("--image must be 1 or more") }
        if let background, FlatPicture.Color(background) == nil {
            throw ValidationError("--background must be a colour such as '#ffffff'")
        }
        guard isFlat || isFolder || TreeForm(rawValue: ending) != nil else {
            throw ValidationError(
                "--output must end in .\(Self.flatEndings.joined(separator: ", .")), \(OutputTarget.endings), or in "
                    + "nothing for a folder")
        }
    }

    private var ending: String { URL(fileURLWithPath: output).pathExtension.lowercased() }

    private var isFlat: Bool { Self.flatEndings.contains(ending) }

    private var isFolder: Bool {
        var isFolder: ObjCBool = false
        return ending.isEmpty
            || (FileManager.default.fileExists(atPath: output, isDirectory: &isFolder) && isFolder.boolValue)
    }

    func run() throws {
        try CommandFailure.reporting {
            let source = try LayerSource(input, image: image)
            if isFlat {
                try write(try flat(source.layers), to: output, source.files)
            } else {
                try writeLayers(source)
            }
            if let sheet {
                let picture = try ContactSheet.draw(source.layers.tree)
                try write(try PNGEncoder.encode(picture, options: PNGOptions(colorType: .rgb)), to: sheet, source.files)
            }
        }
    }

    private func writeLayers(_ source: LayerSource) throws {
        let target = try OutputTarget(path: output, inputs: source.files)
        var succeeded = false
        defer { if !succeeded { target.discard() } }
        let written = try target.write(LayerFiles.files(of: source.layers.tree, for: target))
        succeeded = true
        print(written.joined(separator: "\n"))
    }

    private func flat(_ layers: LayerFile) throws -> [UInt8] {
        var flat = FlatPicture()
        flat.quality = quality
        flat.background = background.flatMap { FlatPicture.Color($0) }
        let flattened = layers.flattened(rounding)
        let pixels = flattened.pixels
        if flattened.rounding != rounding, flattened.rounding == .eachLayer {
            CommandFailure.report("rounded after each layer, which fits the file's own flat picture")
        }
        if let difference = flattened.difference {
            CommandFailure.report("differs from the file's own flat picture at \(difference)")
        }
        switch ending {
        case "png": return try flat.png(pixels)
        case "webp": return try flat.webP(pixels)
        default: return try flat.jpeg(pixels)
        }
    }

    private func write(_ bytes: [UInt8], to path: String, _ inputs: InputFiles) throws {
        try inputs.check(URL(fileURLWithPath: path))
        do {
            try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw CommandError.cannotWrite(path: path, reason: "the folder does not exist or is not writable")
        }
        print(path)
    }
}

extension Rounding: ExpressibleByArgument {}
