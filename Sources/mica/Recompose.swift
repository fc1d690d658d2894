import ArgumentParser
import Foundation
import ImageCodecs
import QwenImage
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

    @Argument(
        help: ArgumentHelp("The layers: a file, a folder or a manifest; - for standard input.", valueName: "layers"))
    var input: String

    @Option(name: .shortAndLong, help: "The picture, file of layers or folder to write.")
    var output: String

    @Option(help: "Which of several images, 1 for the first.")
    var image = 1

    @Option(
        help: ArgumentHelp(
            "A colour behind a flat picture, as '#ffffff' or '#fff'; JPEG takes white if none is given.",
            valueName: "colour"))
    var background: String?

    @Option(help: "The quality of a JPEG, 1 to 100; \(FlatPicture().quality) if not given.")
    var quality: Int?

    @Option(
        help: """
            When sums become bytes: once, as GIMP and psd-tools do; each-layer, as Krita does; auto for what fits the \
            flat picture that the file carries.
            """)
    var rounding = Rounding.auto

    @Option(help: ArgumentHelp("Also write a contact sheet of the layers, as PNG.", valueName: "file"))
    var sheet: String?

    private static let jpegEndings = ["jpg", "jpeg"]
    /// The endings of pictures without layers.
    private static let flatEndings = ["png", "webp"] + jpegEndings

    func validate() throws {
        guard quality.map(FlatPicture.qualities.contains) != false else {
            throw ValidationError("--quality must be 1 to 100")
        }
        guard image >= 1 else { throw ValidationError("--image must be 1 or more") }
        if let background, FlatPicture.Color(background) == nil {
            throw ValidationError("--background must be a colour such as '#ffffff'")
        }
        try checkOutputs()
    }

    /// Options that the output would take no notice of are mistakes, as are two outputs of one name.
    private func checkOutputs() throws {
        guard isFlat || isFolder || TreeForm(rawValue: ending) != nil else {
            throw ValidationError(
                "--output must end in .\(Self.flatEndings.joined(separator: ", .")), \(OutputTarget.endings), or in "
                    + "nothing for a folder")
        }
        guard quality == nil || Self.jpegEndings.contains(ending) else {
            throw ValidationError("--quality goes with an --output of .\(Self.jpegEndings.joined(separator: " or ."))")
        }
        guard background == nil || Self.flatEndings.contains(ending) else {
            throw ValidationError(
                "--background goes with an --output of .\(Self.flatEndings.joined(separator: ", ."))")
        }
        guard let sheet else { return }
        guard URL(fileURLWithPath: sheet).pathExtension.lowercased() == "png" else {
            throw ValidationError("--sheet must end in .png")
        }
        guard try isFolder || WholeFiles.Place(sheet) != WholeFiles.Place(output) else {
            throw ValidationError("--sheet and --output are the same file")
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
        try CommandFailure.reportingUnlessCancelled(recompose)
    }

    private func recompose(_ cancellation: Cancellation) throws {
        let source = try LayerSource(input, image: image)
        try cancellation.check()
        var files: [(path: String, bytes: [UInt8])] = []
        if isFlat { files.append((output, try flat(source.layers, cancellation))) }
        if let sheet { files.append((sheet, try ContactSheet.png(source.layers.tree))) }
        for file in files { try source.files.check(file.path) }
        try cancellation.check()
        let layers = isFlat ? [] : try writeLayers(source, beside: files.map(\.path), cancellation)
        try WholeFiles.write(files)
        try StandardOutput.print((layers + files.map(\.path)).joined(separator: "\n"))
    }

    /// The paths of what was written.
    private func writeLayers(
        _ source: LayerSource, beside others: [String], _ cancellation: Cancellation
    ) throws -> [String] {
        let target = try OutputTarget(path: output, inputs: source.files)
        var succeeded = false
        defer { if !succeeded { target.discard() } }
        let files = try LayerFiles.files(of: source.layers.tree, for: target)
        for other in others { try target.check(other, isNoneOf: files.map(\.name)) }
        try cancellation.check()
        let written = try target.write(files)
        succeeded = true
        return written
    }

    private func flat(_ layers: LayerFile, _ cancellation: Cancellation) throws -> [UInt8] {
        var flat = FlatPicture()
        flat.quality = quality ?? flat.quality
        flat.background = background.flatMap { FlatPicture.Color($0) }
        let isCancelled: @Sendable () -> Bool = { cancellation.isCancelled }
        guard let flattened = layers.flattened(rounding, isCancelled: isCancelled) else {
            throw PipelineError.cancelled
        }
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
}

extension Rounding: ExpressibleByArgument {}
