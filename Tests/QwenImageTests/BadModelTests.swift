import CPUBackend
import Foundation
import Glibc
import Testing

@testable import QwenImage

/// Model folders that are broken in one way each: one clear line that names what is wrong.
@Suite struct BadModelTests {
    /// A breakage of a copy of a good checkpoint, and what its message must name.
    struct Breakage: Sendable, CustomTestStringConvertible {
        let name: String
        let checkpoint: String
        let expected: [String]
        let apply: @Sendable (URL) throws -> Void

        var testDescription: String { name }
    }

    static let breakages: [Breakage] = [
        Breakage(name: "no index", checkpoint: "tiny", expected: ["model_index.json"]) { folder in
            try FileManager.default.removeItem(at: folder.appendingPathComponent("model_index.json"))
        },
        Breakage(
            name: "another pipeline", checkpoint: "tiny",
            expected: ["QwenImageEditPipeline", "QwenImageLayeredPipeline"]
        ) { folder in
            try edit(folder, "model_index.json", "QwenImageLayeredPipeline", "QwenImageEditPipeline")
        },
        Breakage(name: "a missing shard", checkpoint: "small", expected: ["transformer", "00002", "missing"]) {
            folder in
            let transformer = folder.appendingPathComponent("transformer")
            let shard = try FileManager.default.contentsOfDirectory(atPath: transformer.path).first {
                $0.contains("-00002-of-")
            }
            try FileManager.default.removeItem(at: transformer.appendingPathComponent(try #require(shard)))
        },
        Breakage(
            name: "truncated weights", checkpoint: "tiny",
            expected: ["vae/diffusion_pytorch_model.safetensors", "bytes"]
        ) { folder in
            let file = folder.appendingPathComponent("vae/diffusion_pytorch_model.safetensors")
            let data = try Data(contentsOf: file)
            try data.prefix(data.count - 100).write(to: file)
        },
        Breakage(
            name: "an empty weights file", checkpoint: "tiny",
            expected: ["transformer/diffusion_pytorch_model.safetensors"]
        ) { folder in
            try Data().write(to: folder.appendingPathComponent("transformer/diffusion_pytorch_model.safetensors"))
        },
        Breakage(
            name: "a lying header length", checkpoint: "tiny", expected: ["text_encoder/model.safetensors"]
        ) { folder in
            let file = folder.appendingPathComponent("text_encoder/model.safetensors")
            var data = try Data(contentsOf: file)
            data.replaceSubrange(0..<8, with: [255, 255, 255, 255, 255, 255, 255, 127])
            try data.write(to: file)
        },
        Breakage(
            name: "a tensor of another shape", checkpoint: "tiny", expected: ["img_in.weight", "[48, 64]", "[64, 64]"]
        ) { folder in
            try edit(folder, "transformer/config.json", "\"num_attention_heads\": 3", "\"num_attention_heads\": 4")
        },
        Breakage(
            name: "a missing block", checkpoint: "tiny", expected: ["transformer_blocks.2."]
        ) { folder in
            try edit(folder, "transformer/config.json", "\"num_layers\": 2", "\"num_layers\": 3")
        },
        Breakage(
            name: "fewer steps than the schedule can have", checkpoint: "tiny",
            expected: ["mica.json", "num_inference_steps is 1", "shift_terminal", "at least 2"]
        ) { folder in
            try edit(folder, "scheduler/scheduler_config.json", "_terminal\": false", "_terminal\": 0.02")
            try Data(#"{"num_inference_steps": 1}"#.utf8).write(to: folder.appendingPathComponent("mica.json"))
        },
        Breakage(name: "a VAE without alpha", checkpoint: "tiny", expected: ["3 channels", "RGBA"]) { folder in
            try edit(folder, "vae/config.json", "\"input_channels\": 4", "\"input_channels\": 3")
        },
        Breakage(name: "a VAE of no size", checkpoint: "tiny", expected: ["vae/config.json", "base_dim"]) { folder in
            try edit(folder, "vae/config.json", "\"base_dim\": 4", "\"base_dim\": -4")
        },
        Breakage(
            name: "a VAE whose tokens are larger than the sides' steps", checkpoint: "tiny",
            expected: ["vae/config.json", "temperal_downsample", "size_multiple", "multiple of 64"]
        ) { folder in
            try edit(folder, "vae/config.json", "  \"dim_mult\": [\n", "  \"dim_mult\": [1, 1,\n")
            try edit(
                folder, "vae/config.json", "  \"temperal_downsample\": [\n",
                "  \"temperal_downsample\": [false, false,\n")
        },
        Breakage(
            name: "rotary axes that do not fit", checkpoint: "tiny",
            expected: ["transformer/config.json", "axes_dims_rope"]
        ) { folder in
            try edit(folder, "transformer/config.json", "\"attention_head_dim\": 16", "\"attention_head_dim\": 18")
        },
        Breakage(
            name: "rotary axes whose sum fits by overflow alone", checkpoint: "tiny",
            expected: ["transformer/config.json", "axes_dims_rope", "the sum 16"]
        ) { folder in
            try edit(
                folder, "transformer/config.json", "    4,\n    6,\n    6\n",
                "    9223372036854775806, 9223372036854775806, 20\n")
        },
        Breakage(
            name: "a configuration that is no JSON", checkpoint: "tiny", expected: ["transformer/config.json"]
        ) { folder in
            try Data("{".utf8).write(to: folder.appendingPathComponent("transformer/config.json"))
        },
        Breakage(name: "no tokenizer", checkpoint: "tiny", expected: ["tokenizer"]) { folder in
            try FileManager.default.removeItem(at: folder.appendingPathComponent("tokenizer"))
        },
        Breakage(name: "no processor", checkpoint: "tiny", expected: ["processor/preprocessor_config.json"]) { folder in
            try FileManager.default.removeItem(at: folder.appendingPathComponent("processor"))
        },
        Breakage(
            name: "a processor that was cut short", checkpoint: "tiny", expected: ["processor/processor_config.json"]
        ) { folder in
            try Data("{\"image_processor\"".utf8)
                .write(to: folder.appendingPathComponent("processor/processor_config.json"))
        },
        Breakage(
            name: "beams", checkpoint: "tiny", expected: ["text_encoder/generation_config.json", "num_beams"]
        ) { folder in
            try Data("{\"num_beams\": 4}".utf8)
                .write(to: folder.appendingPathComponent("text_encoder/generation_config.json"))
        },
        Breakage(
            name: "a pointer of Git LFS", checkpoint: "tiny",
            expected: ["vae/diffusion_pytorch_model.safetensors", "Git LFS", "git lfs pull"]
        ) { folder in
            try Data("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n".utf8)
                .write(to: folder.appendingPathComponent("vae/diffusion_pytorch_model.safetensors"))
        },
        Breakage(name: "no scheduler", checkpoint: "tiny", expected: ["scheduler_config.json"]) { folder in
            try FileManager.default.removeItem(at: folder.appendingPathComponent("scheduler"))
        },
        Breakage(
            name: "an unknown default", checkpoint: "tiny", expected: ["mica.json", "stepz", "num_inference_steps"]
        ) {
            try Data("{\"stepz\": 4}".utf8).write(to: $0.appendingPathComponent("mica.json"))
        },
        Breakage(name: "sides between tokens", checkpoint: "tiny", expected: ["mica.json", "size_multiple is 24"]) {
            try Data("{\"size_multiple\": 24}".utf8).write(to: $0.appendingPathComponent("mica.json"))
        },
        Breakage(name: "a default of another type", checkpoint: "tiny", expected: ["mica.json", "layers"]) {
            try Data("{\"layers\": \"many\"}".utf8).write(to: $0.appendingPathComponent("mica.json"))
        },
    ]

    static func edit(_ folder: URL, _ file: String, _ old: String, _ new: String) throws {
        let url = folder.appendingPathComponent(file)
        let text = try String(contentsOf: url, encoding: .utf8)
        try #require(text.contains(old), "\(file) does not say \(old)")
        try text.replacingOccurrences(of: old, with: new).write(to: url, atomically: true, encoding: .utf8)
    }

    @Test(arguments: breakages)
    func isRefusedWithOneClearLine(_ breakage: Breakage) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mica-\(UUID().uuidString)")
        try FileManager.default.copyItem(
            at: GoldenCase.root.appendingPathComponent("checkpoints/\(breakage.checkpoint)"), to: folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        try breakage.apply(folder)
        do {
            _ = try LayeredPipeline(model: folder, backend: CPUBackend())
            Issue.record("the model was accepted")
        } catch {
            let message = error.description
            for part in breakage.expected { #expect(message.contains(part), "\(message)") }
            #expect(!message.contains("\n") && message.count < 400, "\(message)")
        }
    }

    @Test(arguments: [("false", 1), ("0.02", 2)])
    func aStretchedScheduleWantsTwoSteps(_ terminal: String, _ fewest: Int) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mica-\(UUID().uuidString)")
        try FileManager.default.copyItem(
            at: GoldenCase.root.appendingPathComponent("checkpoints/tiny"), to: folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Self.edit(
            folder, "scheduler/scheduler_config.json", "_terminal\": false", "_terminal\": \(terminal)")
        let model = try ModelFolder(folder)
        var options = DecompositionOptions()
        options.numInferenceSteps = fewest
        #expect(try model.parameters(for: options).numInferenceSteps == fewest)
        options.numInferenceSteps = fewest - 1
        let error = #expect(throws: PipelineError.self) { try model.parameters(for: options) }
        #expect(error?.description.contains("num_inference_steps is \(fewest - 1)") == true)
    }

    /// A pipe has no end, and opening it for reading would wait for a writer that never comes.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            "model_index.json", "mica.json", "scheduler/scheduler_config.json", "tokenizer/tokenizer.json",
            "vae/config.json",
        ])
    func aPipeIsRefusedUnopened(_ name: String) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mica-\(UUID().uuidString)")
        try FileManager.default.copyItem(at: GoldenCase.root.appendingPathComponent("checkpoints/tiny"), to: folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent(name)
        try? FileManager.default.removeItem(at: file)
        try #require(mkfifo(file.path, 0o600) == 0)
        do {
            _ = try LayeredPipeline(model: folder, backend: CPUBackend())
            Issue.record("the model was accepted")
        } catch {
            #expect(error.description == "\(name) is not a file")
        }
    }

    @Test func aFolderThatIsNotThere() {
        do {
            _ = try LayeredPipeline(model: URL(fileURLWithPath: "/nonexistent/model"), backend: CPUBackend())
            Issue.record("the model was accepted")
        } catch {
            #expect(error.description.contains("/nonexistent/model"))
        }
    }
}
