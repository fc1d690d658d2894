import Foundation
import ImageCodecs
import TensorCore
import Testing
import Weights

/// `mica decompose` from the outside.
@Suite struct DecomposeCommandTests {
    static let picture = MicaProcess.fixtures.appendingPathComponent("cases/full-tiny/input.png").path
    static let model = MicaProcess.fixtures.appendingPathComponent("checkpoints/tiny").path
    static let quick = [
        "decompose", picture, "--model", model, "--resolution", "64", "--layers", "2", "--steps", "1", "--seed", "3",
        "--prompt", "a poster",
    ]

    @Test func aFolderOfLayers() throws {
        let folder = try TemporaryFolder()
        let output = folder.path("new/deeper")
        let run = try MicaProcess(Self.quick + ["-o", output, "--json"])
        #expect(run.status == 0, "\(run.errors)")
        let files = try FileManager.default.contentsOfDirectory(atPath: output).sorted()
        #expect(files == ["layer_1.png", "layer_2.png", "layers.psd", "result.json"])
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: output + "/layer_2.png")))
        let layer = try ImageDecoder.decode(bytes).pixels
        // The picture's own size.
        #expect(layer.width == 132 && layer.height == 88)
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        #expect(report["seed"] as? Int == 3 && (report["layers"] as? [Any])?.count == 2)
        #expect((report["files"] as? [String])?.count == 4)
        #expect((report["seconds"] as? [String: Double])?["denoise"] != nil)
    }

    @Test func theLayersPutTogetherAreThePicture() throws {
        let folder = try TemporaryFolder()
        let run = try MicaProcess(Self.quick + ["-o", folder.path("out"), "--quiet"])
        #expect(run.status == 0, "\(run.errors)")
        let layers = try (1...2).map { index in
            let data = try Data(contentsOf: URL(fileURLWithPath: folder.path("out/layer_\(index).png")))
            return ImageLayer(name: "layer", pixels: try ImageDecoder.decode([UInt8](data)).pixels)
        }
        let flat = Composite.flatten(try LayerTree(layers: layers))
        let picture = try ImageDecoder.decode([UInt8](Data(contentsOf: URL(fileURLWithPath: Self.picture)))).pixels
        #expect(flat.bytes.count == picture.bytes.count)
        let differences = zip(flat.bytes, picture.bytes).map { abs(Int($0) - Int($1)) }
        #expect(differences.max() ?? 255 <= 1)
    }

    @Test func theModelsOwnLayers() throws {
        let folder = try TemporaryFolder()
        let run = try MicaProcess(
            Self.quick + ["-o", folder.path("out"), "--fit", "model", "--no-clean-up", "--quiet"])
        #expect(run.status == 0, "\(run.errors)")
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.path("out/layer_2.png")))
        let layer = try ImageDecoder.decode([UInt8](data)).pixels
        #expect(layer.width == 64 && layer.height == 64)
    }

    @Test func asManyLayersAsThePictureHas() throws {
        let folder = try TemporaryFolder()
        let automatic = Self.quick.map { $0 == "2" ? "auto" : $0 }
        let run = try MicaProcess(automatic + ["-o", folder.path("out"), "--max-layers", "3", "--json"])
        #expect(run.status == 0, "\(run.errors)")
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        #expect((1...3).contains((report["layers"] as? [Any])?.count ?? 0))
    }

    @Test func aLayerIsSplitAgain() throws {
        let folder = try TemporaryFolder()
        #expect(try MicaProcess(Self.quick + ["-o", folder.path("first"), "--quiet"]).status == 0)
        let arguments = Self.quick.map { $0 == Self.picture ? folder.path("first") : $0 }
        let run = try MicaProcess(arguments + ["-o", folder.path("second"), "--layer", "1", "--json"])
        #expect(run.status == 0, "\(run.errors)")
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        let layers = try #require(report["layers"] as? [[String: Any]])
        #expect(layers.compactMap { $0["groups"] as? [String] } == [["background"], ["background"]])
        #expect(layers.count == 3 && report["width"] as? Int == 132)
        for (source, number, words) in [
            (folder.path("first"), "3", "1 to 2"), (Self.picture, "1", "no layers"),
            (folder.path("none"), "1", "no such file"),
        ] {
            let arguments = Self.quick.map { $0 == Self.picture ? source : $0 }
            let run = try MicaProcess(arguments + ["-o", folder.path("third"), "--layer", number])
            #expect(run.status == 1 && run.errors.contains(words), "\(run.errors)")
        }
    }

    /// Every form of a result is split as its folder is, groups and places of trimmed layers included.
    @Test func aLayerOfAnyFormIsSplitAgain() throws {
        let folder = try TemporaryFolder()
        let forms: [(name: String, more: [String])] = [
            ("a", ["--trim"]), ("a.psd", []), ("a.psb", ["--no-group"]), ("a.ora", []),
            ("a.zip", ["--trim", "--layer-format", "webp"]),
        ]
        var first: Data?
        for form in forms {
            #expect(try MicaProcess(Self.quick + ["-o", folder.path(form.name), "--quiet"] + form.more).status == 0)
            var source = form.name
            // The second time out of a group: folders within folders, groups within groups.
            for (target, depths) in [("b-\(form.name)", [0, 1, 1]), ("c-\(form.name)", [0, 2, 2, 1])] {
                let arguments = Self.quick.map { $0 == Self.picture ? folder.path(source) : $0 }
                let run = try MicaProcess(
                    arguments + ["-o", folder.path(target), "--layer", "2", "--json"] + form.more)
                #expect(run.status == 0, "\(source): \(run.errors)")
                let report = try #require(
                    try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
                let layers = try #require(report["layers"] as? [[String: Any]])
                #expect(layers.map { ($0["groups"] as? [String])?.count ?? 0 } == depths, "\(target)")
                source = target
            }
            let flat = folder.path("\(form.name).png")
            let run = try MicaProcess(["recompose", folder.path(source), "-o", flat])
            #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
            let bytes = try Data(contentsOf: URL(fileURLWithPath: flat))
            #expect(bytes == first ?? bytes, "\(source)")
            first = bytes
        }
    }

    @Test func oneFile() throws {
        let folder = try TemporaryFolder()
        for (name, signature) in [("a.psd", "8BPS"), ("a.zip", "PK")] {
            let run = try MicaProcess(Self.quick + ["-o", folder.path(name), "--quiet"])
            #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
            let data = try Data(contentsOf: URL(fileURLWithPath: folder.path(name)))
            #expect(data.starts(with: Data(signature.utf8)))
        }
        #expect(try folder.contents() == ["a.psd", "a.zip"])
    }

    /// Every form of one result, put together again, is the same picture.
    @Test func recompose() throws {
        let folder = try TemporaryFolder()
        var pictures: [Data] = []
        for (name, more) in [
            ("a.psd", ["--sheet"]), ("b.ora", ["--no-group"]), ("c.zip", ["--trim", "--layer-format", "webp"]),
            ("d", []),
        ] {
            let run = try MicaProcess(Self.quick + ["-o", folder.path(name), "--quiet"] + more)
            #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
            let flat = try MicaProcess(["recompose", folder.path(name), "-o", folder.path("\(name).png")])
            #expect(flat.status == 0 && flat.errors.isEmpty, "\(flat.errors)")
            pictures.append(try Data(contentsOf: URL(fileURLWithPath: folder.path("\(name).png"))))
        }
        #expect(Set(pictures).count == 1)
        #expect(try folder.contents().contains("a-sheet.png"))
        for (source, target, words, status) in [
            (folder.path("a.psd.png"), "x.png", "no layers", 1), (folder.path("none"), "x.png", "no such file", 1),
            (folder.path("a.psd"), "x.gif", "must end in", 64),
        ] as [(String, String, String, Int32)] {
            let run = try MicaProcess(["recompose", source, "-o", folder.path(target)])
            #expect(run.status == status && run.errors.contains(words), "\(run.errors)")
        }
    }

    /// Krita's file is rounded as Krita does, and the command says so.
    @Test func recomposeRoundsAsTheFileSays() throws {
        let folder = try TemporaryFolder()
        let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("ImageCodecsTests/Fixtures/layered")
        var pictures: [String: Data] = [:]
        for (rounding, words) in [("auto", "mica: rounded after each layer"), ("each-layer", ""), ("once", "")] {
            let file = folder.path("\(rounding).png")
            let run = try MicaProcess(
                ["recompose", fixtures.appendingPathComponent("krita.psd").path, "-o", file, "--rounding", rounding])
            #expect(run.status == 0 && run.errors.hasPrefix(words) && run.errors.isEmpty == words.isEmpty)
            pictures[rounding] = try Data(contentsOf: URL(fileURLWithPath: file))
        }
        #expect(pictures["auto"] == pictures["each-layer"] && pictures["auto"] != pictures["once"])
    }

    @Test func theSameSeedGivesTheSameBytes() throws {
        let folder = try TemporaryFolder()
        for name in ["a.zip", "b.zip"] {
            #expect(try MicaProcess(Self.quick + ["-o", folder.path(name)]).status == 0)
        }
        let files = try ["a.zip", "b.zip"].map { try Data(contentsOf: URL(fileURLWithPath: folder.path($0))) }
        #expect(files[0] == files[1])
    }

    @Test(arguments: [("1", true), ("0", false)])
    func stepsThatReuseBlocks(_ threshold: String, _ reuses: Bool) throws {
        let folder = try TemporaryFolder()
        let options = ["--steps", "4", "--first-block-cache", threshold, "-o", folder.path("out")]
        let run = try MicaProcess(Self.quick + options + ["--json"])
        #expect(run.status == 0, "\(run.errors)")
        let report = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        #expect((report["parameters"] as? [String: Any])?["first_block_cache"] as? Double == Double(threshold))
        #expect((report["reused_passes"] as? Int ?? -1 > 0) == reuses)
        let text = try MicaProcess(Self.quick + options)
        #expect(text.output.contains("of 8 passes"), "\(text.output)")
    }

    @Test func intermediatesAreWritten() throws {
        let folder = try TemporaryFolder()
        let run = try MicaProcess(Self.quick + ["-o", folder.path("out"), "--dump", folder.path("d.safetensors")])
        #expect(run.status == 0, "\(run.errors)")
        let file = try SafetensorsFile(file: URL(fileURLWithPath: folder.path("d.safetensors")))
        for name in [
            "prompt_embeds", "negative_prompt_embeds", "vae.encode.mode", "transformer.0.output", "step.0.latents",
            "vae.decode.output", "images", "scheduler.sigmas",
        ] { #expect(file.contains(name), "\(name)") }
        #expect(try file.tensor(named: "images").shape == [2, 64, 64, 4])
        #expect(try file.tensor(named: "scheduler.sigmas").shape == [2])
    }

    @Test func theDefaultModelNeedsNoOption() throws {
        let folder = try TemporaryFolder()
        let run = try MicaProcess([
            "decompose", Self.picture, "-o", folder.path("out.psd"), "--resolution", "64", "--steps", "1", "--quiet",
        ])
        #expect(run.status == 0, "\(run.errors)")
    }

    /// What is wrong, the arguments that differ from a good call, and what the one line must say.
    static let failures: [(String, [String], [String])] = [
        ("no such picture", ["decompose", "/nonexistent.png"], ["/nonexistent.png", "no such file"]),
        ("a folder for a picture", ["decompose", "/tmp"], ["/tmp", "folder"]),
        ("no such model", quick + ["--model", "/nonexistent"], ["/nonexistent"]),
        ("a folder of models", quick + ["--model", "Models"], ["no model in Models", "model_index.json"]),
        ("no such noise", quick + ["--latents", "/nonexistent.safetensors"], ["/nonexistent.safetensors"]),
    ]

    @Test(arguments: failures.indices)
    func failsWithOneLineAndWritesNothing(_ index: Int) throws {
        let (name, arguments, expected) = Self.failures[index]
        let folder = try TemporaryFolder()
        let run = try MicaProcess(arguments + ["-o", folder.path("out")])
        #expect(run.status != 0, "\(name)")
        let lines = run.errors.split(separator: "\n").filter { !$0.hasSuffix("...") }
        #expect(lines.count == 1 && run.output.isEmpty, "\(run.errors)")
        for part in expected { #expect(run.errors.contains(part), "\(run.errors)") }
        #expect(try folder.contents() == [])
    }

    @Test(arguments: ["", "no picture at all", "\u{89}PNG\r\n"])
    func aFileThatIsNoPicture(_ content: String) throws {
        let folder = try TemporaryFolder()
        try Data(content.utf8).write(to: URL(fileURLWithPath: folder.path("x.png")))
        let run = try MicaProcess(["decompose", folder.path("x.png"), "-o", folder.path("out")])
        #expect(run.status == 1)
        #expect(
            run.errors.hasPrefix("mica: cannot read") && run.errors.split(separator: "\n").count == 1, "\(run.errors)")
        #expect(try folder.contents() == ["x.png"])
    }

    @Test func outputsThatCannotBeWritten() throws {
        let folder = try TemporaryFolder()
        try Data().write(to: URL(fileURLWithPath: folder.path("file")))
        for output in ["/proc/nothing/here", folder.path("file"), folder.path("missing/x.psd")] {
            let run = try MicaProcess(Self.quick + ["-o", output])
            #expect(run.status == 1)
            #expect(run.errors.contains("cannot write") && run.errors.contains(output), "\(run.errors)")
        }
        #expect(try folder.contents() == ["file"])
    }

    /// Options that are out of their range, or that nothing would come of, by their own names.
    @Test(arguments: [
        (["--layers", "17"], "--layers must be 1 to 16"),
        (["--max-layers", "3"], "--max-layers goes with --layers auto"),
        (["--layers", "auto", "--max-layers", "40"], "--max-layers must be 1 to 16"),
        (["--steps", "0"], "--steps must be 1 to 1000"), (["--images", "9"], "--images must be 1 to 8"),
        (["--resolution", "4096"], "--resolution must be 64 to 2048"),
        (["--max-sequence-length", "0"], "--max-sequence-length must be 1 to 1024"),
        (["--true-cfg-scale", "101"], "--true-cfg-scale must be 0 to 100"),
        (["--true-cfg-scale", "nan"], "--true-cfg-scale must be 0 to 100"),
        (["--first-block-cache", "1.5"], "--first-block-cache must be 0 to 1"),
        (["--seed", "-1"], "0 to 18446744073709551615"),
        (["--seed", "18446744073709551616"], "0 to 18446744073709551615"),
        (["--no-clean-up", "--empty-below", "3"], "--empty-below does not go with --no-clean-up"),
        (["--no-clean-up", "--speck-area", "3"], "--speck-area does not go with --no-clean-up"),
        (["-o", "x.psd", "--trim"], "--trim goes with"), (["-o", "x.psd", "--layer-format", "webp"], "--layer-format"),
    ])
    func optionsThatCannotBeMeant(_ options: [String], _ expected: String) throws {
        let run = try MicaProcess(Self.quick + ["-o", "/nonexistent/x"] + options)
        #expect(run.status == 64 && run.errors.contains(expected), "\(run.errors)")
    }

    @Test func usageErrorsShowTheUsage() throws {
        let run = try MicaProcess(["decompose"])
        #expect(run.status == 64 && run.errors.contains("Usage: mica decompose"))
        let help = try MicaProcess(["decompose", "--help"])
        #expect(
            help.status == 0 && help.output.contains("--true-cfg-scale") && help.output.contains("--caption-language"))
        let dashed = try MicaProcess(["decompose", "-dash.png", "-o", "/nonexistent/x"])
        #expect(dashed.status == 64 && dashed.errors.contains("./-dash.png"), "\(dashed.errors)")
        #expect(try MicaProcess(["decompose", "-h"]).status == 0)
        let version = try MicaProcess(["--version"])
        #expect(version.status == 0 && version.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
    }
}
