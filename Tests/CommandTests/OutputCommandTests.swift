import Foundation
import ImageCodecs
import Testing

/// What commands write: whole, in place of what was there, and where it can be seen that it failed.
@Suite struct OutputCommandTests {
    private static let quick = DecomposeCommandTests.quick

    /// As on a disk that fills: files may have no more than 8 KiB. The thread sanitizer maps a file of its own that is
    /// larger.
    @Test(.disabled(if: MicaProcess.isThreadSanitized, "the sanitizer would end at the limit"))
    func aFolderIsWrittenWholeOrNotAtAll() throws {
        let folder = try TemporaryFolder()
        #expect(try MicaProcess(Self.quick + ["-o", folder.path("out"), "--quiet"]).status == 0)
        let names = try folder.contents("out")
        let before = try names.map { try folder.data("out/\($0)") }
        for output in ["out", "new/deeper"] {
            let run = try MicaProcess(
                Self.quick + ["-o", folder.path(output), "--layers", "3", "--quiet"],
                shell: "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\"")
            #expect(run.status == 1 && run.errors.contains("cannot write"), "\(run.errors)")
        }
        #expect(try folder.contents() == ["out"] && folder.contents("out") == names)
        #expect(try names.map { try folder.data("out/\($0)") } == before)
    }

    /// Files that the folder's own older description names go, and nothing else.
    @Test func filesOfAnEarlierResultGo() throws {
        let folder = try TemporaryFolder()
        let output = folder.path("out")
        #expect(try MicaProcess(Self.quick + ["-o", output, "--layers", "3", "--quiet"]).status == 0)
        let own = ["out/note.png", "out/note.txt", "outside.png"]
        for name in own { try Data("mine".utf8).write(to: URL(fileURLWithPath: folder.path(name))) }
        try FileManager.default.createDirectory(atPath: folder.path("elsewhere"), withIntermediateDirectories: false)
        try Data("mine".utf8).write(to: URL(fileURLWithPath: folder.path("elsewhere/x.png")))
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("out/link"), withDestinationPath: folder.path("elsewhere"))
        // A description that somebody has changed names nothing outside, nor what is no part of a result.
        var text = String(decoding: try folder.data("out/result.json"), as: UTF8.self)
        for name in ["../outside.png", folder.path("outside.png"), "note.txt", "link/x.png", ".", ""] {
            let parts = text.split(separator: /"layers"\s*:\s*\[/, maxSplits: 1)
            text = parts[0] + "\"layers\": [{\"file\": \"\(name)\"}, " + parts[1]
        }
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder.path("out/result.json")))
        #expect(
            try MicaProcess(Self.quick + ["-o", output, "--layer-format", "webp", "--quiet"]).status == 0)
        #expect(
            try folder.contents("out") == [
                "layer_1.webp", "layer_2.webp", "layers.psd", "link", "note.png", "note.txt", "result.json",
            ])
        #expect(try (own + ["elsewhere/x.png"]).allSatisfy { try folder.data($0) == Data("mine".utf8) })
    }

    /// A contact sheet is a part of the result that it was written with.
    @Test func aSheetOfAnEarlierResultGoes() throws {
        let folder = try TemporaryFolder()
        let output = folder.path("out")
        let names = ["layer_1.png", "layer_2.png", "layers.psd", "result.json"]
        #expect(try MicaProcess(Self.quick + ["-o", output, "--quiet", "--sheet"]).status == 0)
        #expect(try folder.contents("out") == names + ["sheet.png"])
        #expect(try MicaProcess(Self.quick + ["-o", output, "--quiet"]).status == 0)
        #expect(try folder.contents("out") == names)
        // One that nobody's result has is somebody's own.
        try Data("mine".utf8).write(to: URL(fileURLWithPath: output + "/sheet.png"))
        #expect(try MicaProcess(Self.quick + ["-o", output, "--quiet"]).status == 0)
        #expect(try folder.data("out/sheet.png") == Data("mine".utf8))
    }

    /// Files that are written beside the one that is named, and those of a folder: known before the work.
    @Test(arguments: [
        ("x-2.png", "x.psd", ["--images", "2", "--sheet"], false), ("x-sheet.png", "x.psd", ["--sheet"], true),
        ("x-sheet-2.png", "x.zip", ["--images", "2", "--sheet"], true), ("x-2.psd", "x.psd", ["--images", "2"], true),
        ("x-sheet.png", "x.psd", [], false), ("x-2.psd", "x.psd", [], false), ("sheet.png", "", ["--sheet"], true),
    ])
    func whatIsWrittenBesideTheOutput(_ input: String, _ output: String, _ options: [String], _ isTaken: Bool) throws {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: DecomposeCommandTests.picture, toPath: folder.path(input))
        let arguments = Self.quick.map {
            $0 == DecomposeCommandTests.picture ? folder.path(input) : $0 == DecomposeCommandTests.model ? "/none" : $0
        }
        let run = try MicaProcess(arguments + options + ["-o", folder.path(output)])
        // Without a model only what is known beforehand is told.
        #expect(run.status == 1 && run.errors.contains("is read here") == isTaken, "\(run.errors)")
        #expect(try folder.contents() == [input])
    }

    /// A dump that would have the place of the result, or of one of its files.
    @Test(arguments: [("x.psd", "x.psd"), ("", "layer_1.png"), ("x.zip", "x-sheet.png")])
    func aDumpHasAPlaceOfItsOwn(_ output: String, _ dump: String) throws {
        let folder = try TemporaryFolder()
        let run = try MicaProcess(
            Self.quick + ["--sheet", "-o", folder.path(output), "--dump", folder.path(dump), "--quiet"])
        #expect(run.status == 1 && run.errors.contains("this place"), "\(run.errors)")
        #expect(try folder.contents().isEmpty)
        let dash = try MicaProcess(Self.quick + ["-o", folder.path("x.psd"), "--dump", "-", "--quiet"])
        #expect(dash.status == 1 && dash.errors.contains("name a file, or /dev/stdout"), "\(dash.errors)")
    }

    /// A layer is split into another folder, and into that again: groups are folders, which go with what names them.
    @Test func aFolderIsSplitAnew() throws {
        let folder = try TemporaryFolder()
        let output = folder.path("out")
        #expect(try MicaProcess(Self.quick + ["-o", output, "--quiet"]).status == 0)
        let again = Self.quick.map { $0 == DecomposeCommandTests.picture ? output : $0 } + ["--layer", "2", "--quiet"]
        #expect(try MicaProcess(again + ["-o", output]).errors.contains("is read here"))
        #expect(try folder.contents("out") == ["layer_1.png", "layer_2.png", "layers.psd", "result.json"])
        #expect(try MicaProcess(again + ["-o", folder.path("finer")]).status == 0)
        let manifest = try LayerManifest([UInt8](folder.data("finer/result.json")))
        let folders = Set(
            manifest.layers.compactMap { $0.file.split(separator: "/").dropLast().first.map(String.init) })
        #expect(folders.count == 1)
        #expect(try folder.contents("finer") == (["layer_1.png", "layers.psd", "result.json"] + folders).sorted())
        #expect(try MicaProcess(Self.quick + ["-o", folder.path("finer"), "--quiet"]).status == 0)
        #expect(try folder.contents("finer") == ["layer_1.png", "layer_2.png", "layers.psd", "result.json"])
    }

    @Test(arguments: [
        ("-", "standard output takes no result"), ("x.png", "layers make no .png"), ("x.JPG", "layers make no .jpg"),
        ("x.tiff", "layers make no .tiff"),
        ("missing/x.psd", "its folder does not exist"), ("file/x", "a part of the path is no folder"),
    ])
    func outputsThatCannotBeMeant(_ output: String, _ expected: String) throws {
        let folder = try TemporaryFolder()
        try Data().write(to: URL(fileURLWithPath: folder.path("file")))
        let run = try MicaProcess(Self.quick + ["-o", output == "-" ? output : folder.path(output)])
        #expect(run.status == 1 && run.errors.contains(expected), "\(run.errors)")
        #expect(try folder.contents() == ["file"])
    }

    /// Whoever reads the output of a command must not take what is cut off for all of it.
    @Test(arguments: [
        ["key", "alice"], ["key", "alice", "--line"], ["devices"], ["plan", "--resolution", "64"],
        ["serve", "--check-config"], ["serve", "--port", "0", "--state-folder", "none"],
    ])
    func aFullStandardOutputIsReported(_ arguments: [String]) throws {
        let folder = try TemporaryFolder()
        let run = try MicaProcess(
            arguments, environment: ["XDG_CACHE_HOME": folder.url.path], shell: "exec \"$0\" \"$@\" > /dev/full")
        #expect(run.status == 1, "\(run.errors)")
        #expect(run.errors.contains("cannot write standard output: the disk is full"), "\(run.errors)")
    }

    @Test(arguments: [
        (["x.png", "--sheet", "x.png"], "the same file"), (["x.png", "--sheet", "./x.png"], "the same file"),
        (["x.png", "--sheet", "s.jpg"], "--sheet must end in .png"), (["x.png", "--quality", "80"], "--quality goes"),
        (["x.ora", "--background", "#fff"], "--background goes"), (["x.png", "--background", "#ff"], "a colour such"),
    ])
    func recomposeOptionsThatCannotBeMeant(_ options: [String], _ expected: String) throws {
        let run = try MicaProcess(["recompose", "/nonexistent.psd", "-o"] + options)
        #expect(run.status == 64 && run.errors.contains(expected), "\(run.errors)")
    }

    /// Whichever command wrote either: one description, and no layer of the former result.
    @Test func aResultTakesThePlaceOfAnother() throws {
        let folder = try TemporaryFolder()
        let (first, mixed) = (folder.path("first"), folder.path("mixed"))
        #expect(try MicaProcess(Self.quick + ["-o", first, "--quiet"]).status == 0)
        let layers = try FileManager.default.contentsOfDirectory(atPath: first).filter { $0.hasSuffix(".png") }
        try #require(layers.count > 1)
        #expect(try MicaProcess(["recompose", first, "-o", mixed]).status == 0)
        let run = try MicaProcess(Self.quick + ["-o", mixed, "--quiet", "--layers", "1"])
        #expect(run.status == 0, "\(run.errors)")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: mixed).sorted()
                == ["layer_1.png", "layers.psd", "result.json"])
        #expect(try MicaProcess(["recompose", first + "/layers.psd", "-o", mixed]).status == 0)
        let left = try FileManager.default.contentsOfDirectory(atPath: mixed)
        #expect(Set(left) == Set(layers + ["manifest.json"]))
    }

    @Test func nothingElseTakesThePlaceOfALayerOrAnInput() throws {
        let folder = try TemporaryFolder()
        let (first, second) = (folder.path("first"), folder.path("second"))
        #expect(try MicaProcess(Self.quick + ["-o", first, "--quiet"]).status == 0)
        let sheet = try MicaProcess(["recompose", first, "-o", second, "--sheet", second + "/layer_1.png"])
        #expect(sheet.status == 1 && sheet.errors.contains("layer_1.png of the result has this place"))
        let picture = folder.path("picture.png")
        try FileManager.default.copyItem(atPath: first + "/layer_1.png", toPath: picture)
        let before = try Data(contentsOf: URL(fileURLWithPath: picture))
        for arguments in [
            ["decompose", picture, "-o", second, "--dump", picture], ["plan", "--image", picture, "--chart", picture],
        ] {
            let run = try MicaProcess(arguments)
            #expect(run.status == 1 && run.errors.contains("it is read here"), "\(run.errors)")
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: picture)) == before)
    }

    @Test(arguments: ["0", "-1", "-9223372036854775808"])
    func layersCountFromOne(_ number: String) throws {
        let run = try MicaProcess(["decompose", "/nonexistent", "--layer=\(number)", "-o", "/nonexistent/out"])
        #expect(run.status == 64 && run.errors.contains("--layer must be 1 or more"), "\(run.errors)")
    }

    @Test func thePictureAndItsSheet() throws {
        let folder = try TemporaryFolder()
        #expect(try MicaProcess(Self.quick + ["-o", folder.path("out"), "--quiet"]).status == 0)
        let files = [folder.path("flat.png"), folder.path("sheet.png")]
        let run = try MicaProcess(
            ["recompose", folder.path("out"), "-o", files[0], "--sheet", files[1], "--background", "#fff"])
        #expect(run.status == 0 && run.output == files.joined(separator: "\n") + "\n", "\(run.errors)")
        #expect(try folder.contents() == ["flat.png", "out", "sheet.png"])
        for source in ["out", "out/layers.psd"] {
            let second = try MicaProcess(
                ["recompose", folder.path(source), "-o", folder.path("x.png"), "--image", "2"])
            #expect(second.status == 1 && second.errors.contains("there is no image 2"), "\(second.errors)")
        }
    }
}
