import CPUBackend
import Foundation
import ImageCodecs
import TensorCore
import Testing
import Weights

@testable import QwenImage

/// A transformer as a GGUF file beside the other components of a folder (`tools/make_gguf_fixtures.py`).
@Suite struct GGUFTests {
    private static func golden() throws -> GoldenCase {
        try #require(GoldenCase.all.first { $0.meta.name == "wide-jpeg" })
    }

    private static func file() throws -> URL {
        try #require(Bundle.module.url(forResource: "small", withExtension: "gguf", subdirectory: "Fixtures/gguf"))
    }

    private static func components(_ transformer: URL) -> ModelComponents {
        var components = ModelComponents()
        components.transformer = transformer
        return components
    }

    private func run(
        _ golden: GoldenCase, _ model: ModelFolder, _ plan: OffloadPlan, _ compute: ComputePrecision = .float32
    ) throws -> (result: Decomposition, forecast: JobForecast) {
        let request = OffloadRequest(plan: plan, devices: [.cpu])
        let backend = CPUBackend(threads: 2, compute: compute, name: "cpu")
        let pipeline = try LayeredPipeline(
            model: model, devices: [.init(name: .cpu, backend: backend)], request: request)
        let picture = try golden.picture()
        return (
            try pipeline.decompose(picture, parameters: golden.parameters, latents: golden.latents()),
            try pipeline.planner.forecast(
                golden.parameters, pictureWidth: picture.width, pictureHeight: picture.height)
        )
    }

    /// Writes the values of a file's tensors as float32.
    private func writeValues(of source: any TensorSource, to file: URL) throws {
        let backend = CPUBackend(threads: 1)
        let shapes = try source.names.map { (name: $0, shape: try source.tensor(named: $0).shape) }
        let writer = try SafetensorsWriter(
            file: file, entries: shapes.map { SafetensorsEntry(name: $0.name, dtype: .float32, shape: $0.shape) },
            metadata: [:])
        for name in source.names {
            let values = try backend.download(try backend.parameter(try source.tensor(named: name)))
            try writer.append(values.flatMap { value in withUnsafeBytes(of: value) { Array($0) } }, to: name)
        }
        try writer.finish()
    }

    /// The layers are those that the reference makes with the file's values.
    @Test func layersOfTheReference() throws {
        let golden = try Self.golden()
        let model = try ModelFolder(golden.checkpoint, components: Self.components(try Self.file()))
        let folder = try Self.file().deletingLastPathComponent()
        let expected = try (0..<golden.meta.layers).map {
            try GoldenCase.pixels(folder.appendingPathComponent("layer_\($0).png"))
        }
        let layers = try run(golden, model, .resident).result.images.flatMap { $0 }
        GoldenTests.compareLayers(layers, expected)
        // The file's values are not the model's own.
        #expect(layers.map(\.bytes) != (try golden.expectedLayers().map(\.bytes)))
    }

    /// The layers are those of the same values as float32, in a third of the memory, and forecasts are exact; with a
    /// LoRA too, for which blocks are a stored form as any other.
    @Test(arguments: [false, true])
    func sameLayersAsItsValues(_ hasLoRA: Bool) throws {
        let golden = try Self.golden()
        let scratch = TemporaryFolder()
        let adapted = try #require(GoldenCase.adapted.first { $0.meta.name == "kohya-alpha" })
        let lora = LoRA(file: adapted.folder.appendingPathComponent("kohya.safetensors"))
        func open(_ transformer: URL, _ loras: [LoRA] = hasLoRA ? [lora] : []) throws -> ModelFolder {
            var components = Self.components(transformer)
            components.loras = loras
            return try ModelFolder(golden.checkpoint, components: components)
        }
        let source = try open(try Self.file(), []).transformerSource
        let types = Set(try source.names.map { try source.tensor(named: $0).dtype })
        #expect(types == [.float32, .bfloat16, .float16, .q80, .q40, .q41, .q50, .q51])
        let wide = scratch.url.appendingPathComponent("wide.safetensors")
        try writeValues(of: source, to: wide)
        let (model, wideModel) = (try open(try Self.file()), try open(wide))
        let (found, forecast) = try run(golden, model, .resident)
        let (expected, wideForecast) = try run(golden, wideModel, .resident)
        for (layer, wanted) in zip(found.images.flatMap { $0 }, expected.images.flatMap { $0 }) {
            // Sums are taken in another order where a matrix is widened in panels.
            let distance = zip(layer.bytes, wanted.bytes).map { abs(Int($0) - Int($1)) }.max()
            #expect(distance ?? 255 <= 1)
        }
        func heldBytes(_ model: ModelFolder) throws -> Int {
            try model.layout().components.first { $0.name == "transformer" }?.byteCount ?? 0
        }
        let (narrow, broad) = (try heldBytes(open(try Self.file(), [])), try heldBytes(open(wide, [])))
        #expect(narrow * 3 < broad && narrow > 0)
        #expect(forecast.peakTensorBytes == found.peakTensorBytes)
        #expect(wideForecast.peakTensorBytes == expected.peakTensorBytes)
        // What is read of the file is what the file has, however often: no copy in another type is made of it.
        let denoise = try #require(found.memory.stages.first { $0.name == PipelineStage.denoise.rawValue })
        #expect(denoise.traffic.movedBytes < broad)
    }

    /// Where the weights live changes nothing, and each stage takes what is forecast.
    @Test(arguments: ["model", "sequential", "stream", "stream:1", "disk"], [ComputePrecision.float32, .bfloat16])
    func everyPlan(_ plan: String, _ compute: ComputePrecision) throws {
        let golden = try Self.golden()
        let model = try ModelFolder(golden.checkpoint, components: Self.components(try Self.file()))
        let (expected, _) = try run(golden, model, .resident, compute)
        let (found, forecast) = try run(golden, model, try #require(try OffloadPlan.read(plan)), compute)
        #expect(found.images == expected.images)
        for stage in forecast.stages {
            let peaks = found.memory.stages.first { $0.name == stage.stage.rawValue }?.peaks
            #expect(stage.peaks == peaks, "\(stage.stage)")
        }
    }

    /// A folder without the transformer's: its configuration is the one beside the file, or told by shapes.
    @Test func configurations() throws {
        let golden = try Self.golden()
        let scratch = TemporaryFolder()
        let folder = scratch.url.appendingPathComponent("model")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in try FileManager.default.contentsOfDirectory(atPath: golden.checkpoint.path)
        where name != "transformer" {
            try FileManager.default.createSymbolicLink(
                at: folder.appendingPathComponent(name),
                withDestinationURL: golden.checkpoint.appendingPathComponent(name))
        }
        let place = scratch.url.appendingPathComponent("download")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        let file = place.appendingPathComponent("small-Q8_0.gguf")
        try FileManager.default.copyItem(at: try Self.file(), to: file)
        // Heads of 32 are not upstream's: nothing tells how they are rotated.
        let error = #expect(throws: PipelineError.self) {
            try ModelFolder(folder, components: Self.components(file))
        }
        #expect(error?.description.contains("put the transformer's config.json beside it") == true)
        let beside = place.appendingPathComponent("config.json")
        // Somebody else's.
        try Data(#"{"_class_name": "AutoencoderKL"}"#.utf8).write(to: beside)
        #expect(throws: PipelineError.self) { try ModelFolder(folder, components: Self.components(file)) }
        try FileManager.default.removeItem(at: beside)
        let ours = golden.checkpoint.appendingPathComponent("transformer/config.json")
        try FileManager.default.copyItem(at: ours, to: beside)
        let expected = try ModelFolder(golden.checkpoint).transformer
        for transformer in [file, place] {
            #expect(try ModelFolder(folder, components: Self.components(transformer)).transformer == expected)
        }
        // The folder itself may hold the file.
        try FileManager.default.moveItem(at: place, to: folder.appendingPathComponent("transformer"))
        #expect(try ModelFolder(folder).transformer == expected)
    }

    @Test func shapesTellTheConfiguration() throws {
        var expected = TransformerConfiguration()
        (expected.numLayers, expected.numAttentionHeads, expected.jointAttentionDim) = (3, 5, 96)
        (expected.useAdditionalTCond, expected.useLayer3DRope) = (true, true)
        let entries = try CheckpointContents.entries(transformer: expected, dtype: .q80)
        #expect(try TransformerConfiguration(shapesOf: ShapesAlone(entries)) == expected)
        let plain = entries.filter { !$0.name.contains("addition_t_embedding") }
        let error = #expect(throws: PipelineError.self) {
            try TransformerConfiguration(shapesOf: ShapesAlone(plain))
        }
        #expect(error?.description.contains("another model than Qwen-Image-Layered") == true)
    }

    /// Other components are not taken as GGUF, and no file is quantised a second time.
    @Test func refusals() throws {
        let golden = try Self.golden()
        var components = ModelComponents()
        components.textEncoder = try Self.file()
        let text = #expect(throws: PipelineError.self) { try ModelFolder(golden.checkpoint, components: components) }
        #expect(
            text?.description == "small.gguf is a GGUF file; only the transformer may be one:"
                + " give these weights as safetensors")
        let model = try ModelFolder(golden.checkpoint, components: Self.components(try Self.file()))
        let twice = #expect(throws: PipelineError.self) { try ModelQuantizer(model: model, form: WeightForm(.int4)) }
        #expect(twice?.description.hasPrefix("small.gguf: is quantised already") == true)
    }
}

/// Tensors that are shapes and no bytes.
private struct ShapesAlone: TensorSource {
    let location = "shapes.gguf"
    private let shapes: [String: SafetensorsEntry]

    init(_ entries: [SafetensorsEntry]) {
        shapes = Dictionary(entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    var names: [String] { shapes.keys.sorted() }

    func contains(_ name: String) -> Bool { shapes[name] != nil }

    func tensor(named name: String) throws(WeightsError) -> HostTensor {
        guard let entry = shapes[name] else { throw .tensorMissing(tensor: name, file: location) }
        return HostTensor(memory: EndlessZeros(), byteOffset: 0, shape: entry.shape, dtype: entry.dtype)
    }
}
