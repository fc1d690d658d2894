import CPUBackend
import Foundation
import ImageCodecs
import QwenImage
import TensorCore
import Testing
import Weights

/// LoRAs in a whole model; that their results are the reference's is among `GoldenTests`.
@Suite struct LoRATests {
    private static let three = [DeviceName(.cpu, 0), DeviceName(.cpu, 1), DeviceName(.cpu, 2)]

    /// Two LoRAs without guidance, and one on every layer with it, beside weights of several forms.
    private static let cases: [(golden: String, form: WeightForm?)] = [
        ("two-weighted", nil), ("two-weighted", WeightForm(.int4)),
        ("peft-metadata", WeightForm(.int8, isRotated: true)),
    ]

    /// Every plan: the layers of the resident one bit for bit, and each stage's peak as it was forecast.
    @Test(
        arguments: ["resident", "model", "stream", "stream:1", "sequential", "disk", "balanced", "guidance"],
        cases.indices)
    func plansChangeNothingAndTakeWhatIsForecast(_ plan: String, _ index: Int) throws {
        let (name, form) = Self.cases[index]
        let golden = try #require(GoldenCase.adapted.first { $0.meta.name == name })
        func run(_ plan: String) throws -> Decomposition {
            let names = Array(Self.three.prefix(["balanced": 3, "guidance": 2][plan] ?? 1))
            let request = OffloadRequest(plan: try OffloadPlan.read(plan), devices: names)
            let devices = names.map {
                OffloadManager.Device(name: $0, backend: CPUBackend(threads: 2, name: "\($0)"))
            }
            let pipeline = try LayeredPipeline(
                model: golden.model().held(in: WeightForms(form)), devices: devices, request: request)
            let picture = try golden.picture()
            let forecast = try pipeline.planner.forecast(
                golden.parameters, pictureWidth: picture.width, pictureHeight: picture.height)
            let result = try pipeline.decompose(picture, parameters: golden.parameters, latents: golden.latents())
            for stage in forecast.stages {
                let found = result.memory.stages.first { $0.name == stage.stage.rawValue }
                #expect(found?.peaks == stage.peaks, "\(plan) \(stage.stage)")
            }
            return result
        }
        #expect(try run(plan).images == run("resident").images)
    }

    /// In bfloat16 the layers stay near the reference's; without the LoRA the very first prediction is far from it.
    @Test(arguments: GoldenCase.adapted)
    func isWhatMakesTheDifference(_ golden: GoldenCase) throws {
        func run(_ model: ModelFolder, _ backend: CPUBackend) throws -> (Decomposition, RecordingObserver) {
            var hooks = LayeredPipeline.Hooks()
            let observer = RecordingObserver(backend)
            hooks.observer = observer
            let result = try LayeredPipeline(model: model, backend: backend).decompose(
                golden.picture(), parameters: golden.parameters, latents: golden.latents(), hooks: hooks)
            return (result, observer)
        }
        let (near, _) = try run(golden.model(), CPUBackend(compute: .bfloat16))
        #expect(try LayerRatio.decibels(near.images.flatMap { $0 }, golden.expectedLayers()) > 40)
        let (_, far) = try run(ModelFolder(golden.checkpoint), CPUBackend())
        let name = "transformer.0.output"
        let found = try #require(far.values[name])
        #expect(relativeError(found, try golden.golden().tensor(named: name).floats()) > 0.02)
    }

    /// Beside a GGUF file too: with the LoRA its layers are as near the reference's as its rounding lets them be.
    @Test func worksBesideGGUF() throws {
        let golden = try #require(GoldenCase.adapted.first { $0.meta.name == "kohya-alpha" })
        var components = ModelComponents()
        components.transformer = GoldenCase.root.appendingPathComponent("../gguf/small.gguf")
        func ratio(_ loras: [LoRA]) throws -> Double {
            components.loras = loras
            let model = try ModelFolder(golden.checkpoint, components: components)
            let result = try LayeredPipeline(model: model, backend: CPUBackend()).decompose(
                golden.picture(), parameters: golden.parameters, latents: golden.latents())
            return try LayerRatio.decibels(result.images.flatMap { $0 }, golden.expectedLayers())
        }
        let (with, without) = (try ratio(golden.model().loras), try ratio([]))
        #expect(with > 40 && without < 36, "\(with) and \(without) dB")
    }

    /// A weight of 0 is the model as it is, and its file is not even opened.
    @Test func weightZeroIsOff() throws {
        let golden = try #require(GoldenCase.adapted.first)
        var components = ModelComponents()
        components.loras = [LoRA(file: URL(fileURLWithPath: "/nowhere.safetensors"), weight: 0)]
        let model = try ModelFolder(golden.checkpoint, components: components)
        #expect(model.loras.isEmpty)
        components.loras = [LoRA(file: URL(fileURLWithPath: "/nowhere.safetensors"))]
        let error = #expect(throws: PipelineError.self) {
            try ModelFolder(golden.checkpoint, components: components)
        }
        #expect(error?.description == "/nowhere.safetensors is missing")
    }

    /// A LoRA for another model says which key shows it.
    @Test func anotherModelsIsRefused() throws {
        let golden = try #require(GoldenCase.adapted.first { $0.meta.name == "kohya-alpha" })
        var components = ModelComponents()
        components.loras = [LoRA(file: golden.folder.appendingPathComponent("kohya.safetensors"))]
        let error = #expect(throws: PipelineError.self) {
            try ModelFolder(GoldenCase.root.appendingPathComponent("checkpoints/tiny"), components: components)
        }
        let message = error?.description ?? ""
        // The third block of a model with two.
        #expect(message.contains("lora_unet_transformer_blocks_2_attn_add_k_proj.alpha"), "\(message)")
        #expect(message.contains("the model has no linear layer"), "\(message)")
    }

    /// What can be named is all that the checkpoint has as linear layers.
    @Test(arguments: ["tiny", "small"])
    func everyLinearLayerIsNamed(_ checkpoint: String) throws {
        let folder = GoldenCase.root.appendingPathComponent("checkpoints/\(checkpoint)")
        let source = try Checkpoint.open(folder.appendingPathComponent("transformer"))
        var expected: [String: Shape] = [:]
        for name in source.names where name.hasSuffix(".weight") && !name.contains("addition_t_embedding") {
            let shape = try source.tensor(named: name).shape
            if shape.rank == 2 { expected[String(name.dropLast(7))] = shape }
        }
        #expect(try ModelFolder(folder).transformer.linearLayers == expected)
    }

    @Test(arguments: [
        ("a.safetensors", "a.safetensors", 1.0), ("a.safetensors:0.5", "a.safetensors", 0.5),
        ("b/a:b.safetensors", "a:b.safetensors", 1), ("a:b.safetensors:-2", "a:b.safetensors", -2),
        ("a:1e-1", "a", 0.1),
        ("a:", "a:", 1), ("a:0", "a", 0), ("a:half", "a:half", 1),
    ])
    func textsNameFileAndWeight(_ text: String, _ file: String, _ weight: Double) throws {
        let lora = try #require(LoRA(text: text))
        #expect(lora.file.lastPathComponent == file && lora.weight == weight)
    }

    @Test func aFileOfTheWholeNameIsMeant() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mica-lora-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("style:2")
        try Data().write(to: file)
        #expect(LoRA(text: file.path) == LoRA(file: file))
        #expect(LoRA(text: file.path + ":3") == LoRA(file: file, weight: 3))
    }

    @Test(arguments: ["", ":1", "a:nan", "a:inf", "a:-infinity"])
    func textsWithoutAFileOrAWeightAreNone(_ text: String) {
        #expect(LoRA(text: text) == nil)
    }
}
