import Foundation
import ImageCodecs
import Testing

/// Layers that are there already: fitted, and put together into every form, without harm to the files that are read.
@Suite struct FitCommandTests {
    private static let count = 2

    /// A picture and its two layers in a folder, under the names of a result.
    private static func inputs() throws -> (folder: TemporaryFolder, files: [String]) {
        let folder = try TemporaryFolder()
        let ground = try picture { x, y in [UInt8(x * 5), UInt8(y * 7), 90, 255] }
        let top = try picture { x, y in [200, 40, UInt8(x + y), x > 8 && x < 20 && y > 8 ? 255 : 0] }
        let layers = [ground, top].map { ImageLayer(name: "layer", pixels: $0) }
        let flat = Composite.flatten(try LayerTree(layers: layers))
        let files = ["poster.png", "layer_1.png", "layer_2.png"].map { folder.path($0) }
        for (file, pixels) in zip(files, [flat, ground, top]) {
            try Data(PNGEncoder.encode(pixels)).write(to: URL(fileURLWithPath: file))
        }
        return (folder, files)
    }

    private static func picture(_ color: (Int, Int) -> [UInt8]) throws -> PixelBuffer {
        let bytes = (0..<24).flatMap { y in (0..<32).flatMap { x in color(x, y) } }
        return try PixelBuffer(width: 32, height: 24, bytes: bytes)
    }

    private static func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// Each form is written under the name that was asked for, and is the picture; before, every form but PSD became
    /// PNGs beside it, over the layers that were read.
    @Test(arguments: ["x.psd", "x.psb", "x.ora", "x.zip", "x.pptx", "x"])
    func everyForm(_ name: String) throws {
        let (folder, files) = try Self.inputs()
        let before = try files.map { try Self.bytes($0) }
        let run = try MicaProcess(["fit"] + files + ["-o", folder.path(name)])
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
        #expect(try files.map { try Self.bytes($0) } == before)
        #expect(try folder.contents() == ["layer_1.png", "layer_2.png", "poster.png", name].sorted())
        if name == "x.pptx" {
            #expect(try Self.bytes(folder.path(name)).starts(with: Array("PK".utf8)))
            return
        }
        let flat = try MicaProcess(["recompose", folder.path(name), "-o", folder.path("flat.png")])
        #expect(flat.status == 0 && flat.errors.isEmpty, "\(flat.errors)")
        let (ours, theirs) = (
            try ImageDecoder.decode(Self.bytes(folder.path("flat.png"))).pixels,
            try ImageDecoder.decode(before[0]).pixels
        )
        #expect(zip(ours.bytes, theirs.bytes).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
    }

    /// Layers of another picture are easily taken by mistake.
    @Test func anotherShapeIsSaid() throws {
        let (folder, files) = try Self.inputs()
        for (side, isSaid) in [(27, false), (31, true), (16, true)] {
            let picture = folder.path("\(side).png")
            let pixels = try PixelBuffer(
                width: 32, height: side, bytes: [UInt8](repeating: 255, count: 32 * side * 4))
            try Data(PNGEncoder.encode(pixels)).write(to: URL(fileURLWithPath: picture))
            let run = try MicaProcess(["fit", picture] + files[1...] + ["-o", folder.path("\(side).psd")])
            #expect(run.status == 0 && run.errors.isEmpty != isSaid, "\(side): \(run.errors)")
            if isSaid { #expect(run.errors.contains("32x24 pixels and the picture 32x\(side)")) }
        }
    }

    @Test func nothingIsWrittenOverWhatIsRead() throws {
        let (folder, files) = try Self.inputs()
        try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: folder.url.path)
        let ora = folder.path("a.ora")
        #expect(try MicaProcess(["fit"] + files + ["-o", ora]).status == 0)
        #expect(try MicaProcess(["fit"] + files + ["-o", folder.path("made")]).status == 0)
        let all = files + [ora] + ["layer_1.png", "manifest.json"].map { folder.path("made/\($0)") }
        let before = try all.map { try Self.bytes($0) }
        for arguments in [
            ["fit"] + files + ["-o", folder.url.path], ["fit"] + files + ["-o", folder.path("link")],
            ["recompose", ora, "-o", ora], ["recompose", ora, "-o", folder.path("link/a.ora")],
            ["recompose", folder.path("made"), "-o", folder.path("b.png"), "--sheet", folder.path("made/layer_1.png")],
            ["recompose", folder.path("made"), "-o", folder.path("made")],
            ["recompose", folder.path("made"), "-o", folder.path("made/layer_1.png")],
            ["decompose", files[1], "-o", folder.url.path, "--model", "/nonexistent"],
            ["decompose", folder.path("made"), "--layer", "1", "-o", folder.path("made")],
        ] {
            let run = try MicaProcess(arguments)
            #expect(run.status == 1 && run.errors.contains("is read here"), "\(arguments): \(run.errors)")
        }
        #expect(try all.map { try Self.bytes($0) } == before)
    }

    /// As the system sees paths: `link/..` is the folder around what the link means. And a file is one under all names.
    @Test func linksAndDotsHideNothing() throws {
        let (folder, files) = try Self.inputs()
        let manager = FileManager.default
        try manager.createDirectory(atPath: folder.path("a/deep"), withIntermediateDirectories: true)
        try manager.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: folder.path("a/deep"))
        let ora = folder.path("a/x.ora")
        #expect(try MicaProcess(["fit"] + files + ["-o", ora]).status == 0)
        try manager.createSymbolicLink(atPath: folder.path("other.ora"), withDestinationPath: ora)
        let before = try Self.bytes(ora)
        let relative = "cd '\(folder.url.path)'; exec \"$0\" \"$@\""
        for (input, output) in [
            ("link/../x.ora", ora), (ora, "link/../x.ora"), (ora, "other.ora"), ("other.ora", "link/../../a/x.ora"),
            ("/dev/stdin", ora), ("-", ora),
        ] {
            let run = try MicaProcess(
                ["recompose", input, "-o", output], shell: relative + " < '\(ora)'")
            #expect(run.status == 1 && run.errors.contains("is read here"), "\(input) \(output): \(run.errors)")
        }
        #expect(try Self.bytes(ora) == before)
        // What is written is where the system says.
        let written = try MicaProcess(["recompose", ora, "-o", "link/../y.ora"], shell: relative)
        #expect(written.status == 0, "\(written.errors)")
        #expect(try MicaProcess(["recompose", ora, "-o", "link/../new/layers"], shell: relative).status == 0)
        #expect(try folder.contents("a") == ["deep", "new", "x.ora", "y.ora"])
        #expect(try MicaProcess(["recompose", "link/../new/layers", "-o", "z.png"], shell: relative).status == 0)
        #expect(try folder.contents().contains("z.png"))
    }

    /// Files above which a folder is, or beside which one of another name is written, are in nobody's way.
    @Test func outputsAboveInputsAreWritten() throws {
        let (folder, files) = try Self.inputs()
        let inside = folder.path("work/in")
        try FileManager.default.createDirectory(atPath: inside, withIntermediateDirectories: true)
        var moved: [String] = []
        for file in files {
            moved.append(inside + "/" + (file as NSString).lastPathComponent)
            try FileManager.default.moveItem(atPath: file, toPath: moved.last ?? "")
        }
        let before = try moved.map { try Self.bytes($0) }
        let run = try MicaProcess(["fit"] + moved + ["-o", folder.path("work")])
        #expect(run.status == 0, "\(run.errors)")
        #expect(try moved.map { try Self.bytes($0) } == before)
        #expect(try folder.contents("work") == ["in", "layer_1.png", "layer_2.png", "manifest.json"])
    }

    /// A file of a former result is left where it is read.
    @Test func formerFilesThatAreReadStay() throws {
        let (folder, files) = try Self.inputs()
        let output = folder.path("out")
        try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
        let ground = output + "/ground.png"
        try FileManager.default.moveItem(atPath: files[1], toPath: ground)
        let former = "{\"layers\": [{\"file\": \"ground.png\"}, {\"file\": \"gone.png\"}]}"
        try Data(former.utf8).write(to: URL(fileURLWithPath: output + "/manifest.json"))
        try Data("old".utf8).write(to: URL(fileURLWithPath: output + "/gone.png"))
        let run = try MicaProcess(["fit", files[0], ground, files[2], "-o", output])
        #expect(run.status == 0, "\(run.errors)")
        #expect(try folder.contents("out") == ["ground.png", "layer_1.png", "layer_2.png", "manifest.json"])
    }

    /// Names of a manifest whose files came from a system that takes letters and their marks apart; and what is wrong
    /// with a folder's manifest is said with the manifest's name.
    @Test func manifestsOfFolders() throws {
        let (folder, files) = try Self.inputs()
        let text = "{\"layers\": [{\"file\": \"gr\u{FC}n/\u{E9}.png\"}]}"
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder.path("manifest.json")))
        try FileManager.default.createDirectory(
            atPath: folder.path("gru\u{308}n"), withIntermediateDirectories: false)
        try Data(Self.bytes(files[1])).write(to: URL(fileURLWithPath: folder.path("gru\u{308}n/e\u{301}.png")))
        let run = try MicaProcess(["recompose", folder.url.path, "-o", folder.path("flat.psd")])
        #expect(run.status == 0, "\(run.errors)")
        for (bytes, expected) in [
            (Data("{".utf8), "it is not JSON"), (Data(repeating: 0x20, count: 8 << 20 | 1), "more than the limit of"),
        ] {
            try bytes.write(to: URL(fileURLWithPath: folder.path("manifest.json")))
            let bad = try MicaProcess(["recompose", folder.url.path, "-o", folder.path("x.psd")])
            #expect(bad.status == 1 && bad.errors.contains(expected), "\(bad.errors)")
            #expect(bad.errors.contains("cannot read \(folder.path("manifest.json")): "), "\(bad.errors)")
        }
    }

    /// What a folder and a ZIP say of layers is all of it: places, names, groups, modes.
    @Test(arguments: ["x", "x.zip", "x.psd"])
    func layersInOtherForms(_ name: String) throws {
        let folder = try TemporaryFolder()
        let pixels = try PixelBuffer(width: 4, height: 3, red: 9, green: 80, alpha: 200)
        let group = LayerGroup(
            name: "Gruppe",
            children: [
                .layer(ImageLayer(name: "a", pixels: pixels, x: -1, y: 2, opacity: 51, blendMode: .screen)),
                .layer(ImageLayer(name: "b", pixels: pixels, x: 1, isClipped: true)),
            ], opacity: 102, blending: .isolated(.multiply))
        let tree = try LayerTree(
            width: 9, height: 7,
            nodes: [.layer(ImageLayer(name: "ground", pixels: pixels, isVisible: false)), .group(group)])
        let psd = folder.path("in.psd")
        try Data(PSDWriter.encode(tree)).write(to: URL(fileURLWithPath: psd))
        #expect(try MicaProcess(["recompose", psd, "-o", folder.path(name)]).status == 0)
        #expect(try MicaProcess(["recompose", folder.path(name), "-o", folder.path("out.psd")]).status == 0)
        #expect(try LayerFileReader.read(Self.bytes(folder.path("out.psd"))) == tree)
    }

    /// A file whose flat picture is another one than that of its layers.
    @Test func aDifferenceIsSaid() throws {
        let (folder, files) = try Self.inputs()
        let ora = folder.path("a.ora")
        #expect(try MicaProcess(["fit"] + files + ["-o", ora]).status == 0)
        let archive = try ZIPReader(Self.bytes(ora))
        var edited = ZIPWriter()
        for name in archive.names {
            let merged = name == "mergedimage.png"
            try edited.add(name, merged ? Self.bytes(files[1]) : archive.read(name, limit: 1 << 20))
        }
        try Data(edited.finish()).write(to: URL(fileURLWithPath: ora))
        let run = try MicaProcess(["recompose", ora, "-o", folder.path("flat.png")])
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.errors.contains("mica: differs from the file's own flat picture at 21 % of the pixels, by up to "))
        let told = try MicaProcess(["recompose", ora, "-o", folder.path("flat.png"), "--rounding", "once"])
        #expect(told.status == 0 && told.errors.isEmpty)
    }

    /// Layers that lie around in one file, as other programs leave them: names and groups stay, and the result is that
    /// of the same layers as pictures.
    @Test(arguments: ["in.psd", "in.psb", "in.ora", "in.zip", "in", "in/manifest.json", "-", "/dev/stdin"])
    func layersOfOneFile(_ name: String) throws {
        let (folder, files) = try Self.inputs()
        let pixels = try files.dropFirst().map { try ImageDecoder.decode(Self.bytes($0)).pixels }
        let nodes: [LayerNode] = [
            .layer(ImageLayer(name: "Grund", pixels: pixels[0])),
            .group(
                LayerGroup(name: "Gruppe", children: [.layer(ImageLayer(name: "oben \u{1F600}", pixels: pixels[1]))])),
        ]
        let psd = folder.path("in.psd")
        try Data(PSDWriter.encode(LayerTree(width: 32, height: 24, nodes: nodes))).write(
            to: URL(fileURLWithPath: psd))
        let stem = String(name.prefix { $0 != "/" })
        if !["", "-", "in.psd"].contains(stem) {
            #expect(try MicaProcess(["recompose", psd, "-o", folder.path(stem)]).status == 0)
        }
        let isStream = name == "-" || name.hasPrefix("/")
        let fitted = folder.path("fitted.psd")
        let run = try MicaProcess(
            ["fit", files[0], isStream ? name : folder.path(name), "-o", fitted],
            shell: isStream ? "exec \"$0\" \"$@\" < '\(psd)'" : nil)
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
        let tree = try LayerFileReader.read(Self.bytes(fitted))
        #expect(tree.nodes.map(\.name) == ["Grund", "Gruppe"])
        #expect(tree.layers.map(\.name) == ["Grund", "oben \u{1F600}"])
        #expect(try MicaProcess(["fit"] + files + ["-o", folder.path("plain.psd")]).status == 0)
        let plain = try LayerFileReader.read(Self.bytes(folder.path("plain.psd")))
        let (ours, theirs) = (tree.layers, plain.layers)
        for (one, other) in zip(ours, theirs) {
            #expect(try one.onCanvas(width: 32, height: 24) == other.onCanvas(width: 32, height: 24))
        }
    }

    /// What is not laid over what is below it as it is would be another picture; too many are not unpacked.
    @Test func layersThatCannotBeFitted() throws {
        let (folder, files) = try Self.inputs()
        let pixels = try ImageDecoder.decode(Self.bytes(files[1])).pixels
        func layer(_ change: (inout ImageLayer) -> Void) -> LayerNode {
            var layer = ImageLayer(name: "x", pixels: pixels)
            change(&layer)
            return .layer(layer)
        }
        let plain = layer { _ in }
        for (nodes, expected) in [
            ([plain, layer { $0.blendMode = .multiply }], "\"x\" has the blend mode multiply"),
            ([plain, layer { $0.isVisible = false }], "\"x\" is hidden"),
            (
                [
                    plain,
                    layer {
                        $0.isClipped = true
                        $0.opacity = 9
                    },
                ], "is not at full opacity and is clipped"
            ),
            ([.group(LayerGroup(name: "g", children: [plain], opacity: 100))], "\"g\" is not at full opacity"),
            ([plain, .group(LayerGroup(name: "g", children: [layer { $0.opacity = 1 }]))], "\"x\" is not at full"),
            (Array(repeating: plain, count: 17), "it has 17 layers, more than the 16"),
        ] {
            let psd = folder.path("in.psd")
            try Data(PSDWriter.encode(LayerTree(width: 32, height: 24, nodes: nodes))).write(
                to: URL(fileURLWithPath: psd))
            let run = try MicaProcess(["fit", files[0], psd, "-o", folder.path("x.psd")])
            #expect(run.status == 1 && run.errors.contains(expected), "\(run.errors)")
        }
        for (input, expected) in [("nowhere", "no such file"), ("", "has no")] {
            let run = try MicaProcess(["fit", files[0], folder.path(input), "-o", folder.path("x.psd")])
            #expect(run.status == 1 && run.errors.contains(expected), "\(run.errors)")
        }
        #expect(try !folder.contents().contains("x.psd"))
    }

    /// A layer that is dropped takes a group along that is empty then.
    @Test func emptyLayersAreDropped() throws {
        let (folder, files) = try Self.inputs()
        let pixels = try ImageDecoder.decode(Self.bytes(files[0])).pixels
        let empty = try PixelBuffer(width: 32, height: 24)
        let nodes: [LayerNode] = [
            .group(LayerGroup(name: "g", children: [.layer(ImageLayer(name: "nothing", pixels: empty))])),
            .layer(ImageLayer(name: "all", pixels: pixels)),
        ]
        let psd = folder.path("in.psd")
        try Data(PSDWriter.encode(LayerTree(width: 32, height: 24, nodes: nodes))).write(to: URL(fileURLWithPath: psd))
        for (options, expected) in [(["--empty-layers", "drop"], ["all"]), ([], ["nothing", "all"])] {
            let run = try MicaProcess(["fit", files[0], psd, "-o", folder.path("x.psd")] + options)
            #expect(run.status == 0, "\(run.errors)")
            let tree = try LayerFileReader.read(Self.bytes(folder.path("x.psd")))
            #expect(tree.layers.map(\.name) == expected && tree.nodes.count == expected.count)
        }
    }
}
