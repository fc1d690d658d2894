import Foundation
import Testing

/// `mica quantize` and `mica bench quality` from the outside.
@Suite struct QuantizeCommandTests {
    @Test func aFolderThatGivesTheSameLayers() throws {
        let folder = try TemporaryFolder()
        let run = try MicaProcess([
            "quantize", "--model", DecomposeCommandTests.model, "--precision", "int8", "-o",
            folder.path("int8"), "--report", "--json",
        ])
        #expect(run.status == 0, "\(run.errors)")
        let summary = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        let layers = try #require(summary["layers"] as? [[String: Any]])
        #expect(layers.count == summary["matrices"] as? Int && layers.count > 20)
        for layer in layers {
            let error = try #require(layer["relative_l2"] as? Double)
            #expect(error > 0 && error < 0.02, "\(layer)")
        }
        let (source, target) = (summary["source_bytes"] as? Int ?? 0, summary["target_bytes"] as? Int ?? 0)
        #expect(target > 0 && target < source)
        #expect(try folder.contents() == ["int8"])

        // What takes as few bits already would only be copied.
        let again = try MicaProcess([
            "quantize", "--model", folder.path("int8"), "--precision", "fp8", "-o", folder.path("fp8"),
        ])
        #expect(again.status == 1 && again.errors.contains("none of its large matrices takes more bits than fp8"))
        #expect(try folder.contents() == ["int8"])

        // int8 is rotated unless somebody says otherwise. Files say which model made them, and the two folders have
        // different names.
        let compute = ["--compute", "float32", "--no-metadata"]
        let loading = try MicaProcess(
            DecomposeCommandTests.quick + compute + ["--precision", "int8", "--hadamard", "-o", folder.path("a")])
        #expect(loading.status == 0, "\(loading.errors)")
        var mapped = DecomposeCommandTests.quick + compute + ["-o", folder.path("b")]
        mapped[3] = folder.path("int8")
        #expect(try MicaProcess(mapped).status == 0)
        for name in ["layer_1.png", "layer_2.png"] {
            let files = try ["a", "b"].map { try Data(contentsOf: URL(fileURLWithPath: folder.path("\($0)/\(name)"))) }
            #expect(files[0] == files[1], "\(name)")
        }
    }

    /// One that is converted while it is loaded gives what its folder gives; what is no precision is said.
    @Test func aComponentWhileLoading() throws {
        let folder = try TemporaryFolder()
        let part = folder.path("part")
        let quantize = ["quantize", "--model", DecomposeCommandTests.model, "--only", "text-encoder", "-o", part]
        #expect(try MicaProcess(quantize + ["--precision", "int4"]).status == 0)
        let quick = DecomposeCommandTests.quick + ["--no-metadata", "-o"]
        for (name, options) in [
            ("a", ["--text-encoder", part]), ("b", ["--precision", "text_encoder=int4"]),
            ("c", ["--precision", "text_encoder=int4,transformer=int4", "--compute", "float32"]),
        ] {
            let run = try MicaProcess(quick + [folder.path(name)] + options)
            #expect(run.status == 0, "\(run.errors)")
        }
        let files = try ["a", "b", "c"].map {
            try Data(contentsOf: URL(fileURLWithPath: folder.path("\($0)/layer_1.png")))
        }
        #expect(files[0] == files[1] && files[0] != files[2])
        for (precision, expected) in [
            ("vae=fp8", "'vae' is no component with large matrices; those are text_encoder and transformer"),
            ("transformer=q4", "'q4' is no precision; there are float32, bfloat16, fp8, int8, int4"),
        ] {
            let run = try MicaProcess(quick + [folder.path("d"), "--precision", precision])
            #expect(run.status == 64 && run.errors.contains(expected), "\(run.errors)")
        }
    }

    /// A component alone is written as its own folder, which holds what it does in a whole model, and goes over one.
    @Test(arguments: ["text-encoder", "transformer"])
    func aComponentAlone(_ only: String) throws {
        let folder = try TemporaryFolder()
        let output = folder.path("part")
        let run = try MicaProcess([
            "quantize", "--model", DecomposeCommandTests.model, "--precision", "int4", "--only", only, "-o", output,
        ])
        #expect(run.status == 0, "\(run.errors)")
        let files = try FileManager.default.contentsOfDirectory(atPath: output)
        #expect(files.contains("config.json") && files.contains { $0.hasSuffix(".safetensors") })
        #expect(!files.contains("model_index.json") && !files.contains(only.replacing("-", with: "_")))

        let whole = folder.path("whole")
        let all = ["quantize", "--model", DecomposeCommandTests.model, "--precision", "int4", "-o", whole]
        #expect(try MicaProcess(all).status == 0)
        let converted = URL(fileURLWithPath: whole).appendingPathComponent(only.replacing("-", with: "_"))
        for file in files {
            let pair = try [converted, URL(fileURLWithPath: output)].map {
                try Data(contentsOf: $0.appendingPathComponent(file))
            }
            #expect(pair[0] == pair[1], "\(file)")
        }
        let used = try MicaProcess(DecomposeCommandTests.quick + ["--\(only)", output, "-o", folder.path("layers")])
        #expect(used.status == 0, "\(used.errors)")
    }

    @Test(arguments: [
        (["--precision", "fp8", "--only", "vae"], "'transformer' and 'text-encoder'", 64),
        (["--precision", "float32"], "no fewer bits", 64), (["--precision", "int3"], "int3", 64),
        (["--precision", "bfloat16", "--hadamard"], "--hadamard goes with", 64),
        (["--precision", "bfloat16", "--no-hadamard"], "--hadamard goes with", 64),
        (["--precision", "fp8", "-o", "/proc/x"], "cannot", 1),
        (["--precision", "fp8", "-o", "/tmp"], "there already", 1),
        (["--precision", "fp8", "--transformer", "/nonexistent"], "nonexistent", 1),
    ])
    func badInput(_ arguments: [String], _ expected: String, _ status: Int32) throws {
        let folder = try TemporaryFolder()
        let output = arguments.contains("-o") ? [] : ["-o", folder.path("x")]
        let run = try MicaProcess(["quantize", "--model", DecomposeCommandTests.model] + arguments + output)
        #expect(run.status == status && run.errors.contains(expected), "\(run.errors)")
        #expect(try folder.contents().isEmpty)
    }

    @Test func quality() throws {
        let run = try MicaProcess([
            "bench", "quality", "--model", DecomposeCommandTests.model, "--resolution", "64", "--layers", "1",
            "--steps",
            "1", "--forms", "fp8", "int8-hadamard", "--weights", "--json",
        ])
        #expect(run.status == 0, "\(run.errors)")
        let report = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        let results = try #require(report["results"] as? [[String: Any]])
        #expect(results.map { $0["form"] as? String } == ["fp8", "int8-hadamard"])
        for result in results {
            #expect((result["psnr_db"] as? Double ?? 0) > 30)
            let stages = try #require(result["stages"] as? [[String: Any]])
            #expect(stages.contains { $0["name"] as? String == "images" })
            #expect(!(result["matrices"] as? [Any] ?? []).isEmpty)
        }
    }
}
