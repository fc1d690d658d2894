import Foundation
import Testing

/// `--lora` from the outside.
@Suite struct LoRACommandTests {
    private static let loras = MicaProcess.fixtures.appendingPathComponent("loras")
    private static let peft = loras.appendingPathComponent("peft-metadata/peft.safetensors").path
    private static let comfy = loras.appendingPathComponent("two-weighted/comfy.safetensors").path
    /// Of a model with one block more.
    private static let strange = loras.appendingPathComponent("kohya-alpha/kohya.safetensors").path

    private func decompose(_ options: [String]) throws -> (layer: Data, result: [String: Any]) {
        let folder = try TemporaryFolder()
        let run = try MicaProcess(
            DecomposeCommandTests.quick + ["-o", folder.path("out"), "--fit", "model", "--no-clean-up", "--quiet"]
                + options)
        #expect(run.status == 0, "\(run.errors)")
        func file(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.path(name))) }
        let result = try JSONSerialization.jsonObject(with: file("out/result.json")) as? [String: Any]
        return (try file("out/layer_1.png"), try #require(result))
    }

    @Test func layersAreOthersAndTheirFilesSayWhy() throws {
        let plain = try decompose([])
        #expect(plain.result["loras"] == nil)
        let adapted = try decompose(["--lora", Self.peft, "--lora", "\(Self.comfy):-0.25"])
        let named = try #require(adapted.result["loras"] as? [[String: Any]])
        #expect(named.map { $0["name"] as? String } == ["peft", "comfy"])
        #expect(named.map { $0["weight"] as? Double } == [1, -0.25])
        #expect(adapted.layer != plain.layer)
        #expect(adapted.layer.firstRange(of: Data("LoRAs: \"peft:1, comfy:-0.25\"".utf8)) != nil)
        let off = try decompose(["--lora", "\(Self.peft):0"])
        #expect(off.layer == plain.layer && off.result["loras"] == nil)
    }

    /// A plan counts them: what they hold is more than without.
    @Test func plansCountThem() throws {
        func peak(_ options: [String]) throws -> Int {
            let run = try MicaProcess(
                ["plan", "--model", DecomposeCommandTests.model, "--resolution", "64", "--prompt", "a", "--json"]
                    + options)
            #expect(run.status == 0, "\(run.errors)")
            let object = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
            let stages = object?["stages"] as? [[String: Any]]
            let denoise = try #require(stages?.first { $0["stage"] as? String == "denoise" })
            return try #require(denoise["peak_tensor_bytes"] as? Int)
        }
        #expect(try peak(["--lora", Self.peft]) > peak([]))
    }

    @Test(arguments: [
        ([strange], "lora_unet_transformer_blocks_2_attn_add_k_proj.alpha"),
        (["nowhere.safetensors:0.5"], "is missing"),
        ([MicaProcess.fixtures.path], "is not a file"),
    ])
    func whatCannotBeAppliedIsSaidInOneLine(_ files: [String], _ part: String) throws {
        let folder = try TemporaryFolder()
        for command in [DecomposeCommandTests.quick + ["-o", folder.path("out")], ["serve", "--check-config"]] {
            let model = command[0] == "serve" ? ["--model", DecomposeCommandTests.model] : []
            let run = try MicaProcess(command + model + files.flatMap { ["--lora", $0] })
            #expect(run.status == 1, "\(command)")
            #expect(run.errors.contains(part) && run.errors.split(separator: "\n").count == 1, "\(run.errors)")
        }
    }

    /// The file's list, and a weight that is none.
    @Test func theConfigurationHasAList() throws {
        let folder = try TemporaryFolder()
        let file = folder.path("mica.yaml")
        for (text, status, part) in [
            ("loras: [\(Self.peft), '\(Self.comfy):0.5']", 0, "valid"),
            ("loras:\n  - \(Self.peft):0.5\n", 0, "valid"), ("loras: \(Self.peft):2,\(Self.comfy)", 0, "valid"),
            ("loras: [\(Self.peft):nan]", 1, "a finite number"), ("loras: [[a]]", 1, "'loras' must"),
            ("model: [a]", 1, "'model' must have a single value"),
        ] {
            try Data("\(text)\n".utf8).write(to: URL(fileURLWithPath: file))
            let run = try MicaProcess(
                ["serve", "--check-config", "--config", file, "--model", DecomposeCommandTests.model])
            #expect(run.status == Int32(status), "\(text): \(run.errors)")
            #expect((run.output + run.errors).contains(part), "\(text): \(run.errors)")
        }
    }
}
