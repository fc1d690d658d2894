import CPUBackend
import Foundation
import ImageCodecs
import TensorCore
import Testing
import Weights

@testable import QwenImage

/// Models that are quantised into a folder, against those that are while they are loaded.
@Suite struct ModelQuantizerTests {
    private static let forms = [
        WeightForm(.bfloat16), WeightForm(.fp8), WeightForm(.int8), WeightForm(.int8, isRotated: true),
        WeightForm(.int4),
        WeightForm(.int4, isRotated: true),
    ]

    /// One case of each checkpoint.
    private static let cases: [GoldenCase] = {
        var seen: Set<URL> = []
        return GoldenCase.all.filter { !$0.parameters.needsCaption && seen.insert($0.checkpoint).inserted }
    }()

    private func quantize(
        _ folder: URL, _ form: WeightForm, shardBytes: Int, only part: ModelQuantizer.Part? = nil, to target: URL
    ) throws {
        let backend = CPUBackend()
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        try ModelQuantizer(model: ModelFolder(folder), form: form, only: part).write(
            to: target, shardBytes: shardBytes,
            convert: { _, tensor, form throws(TensorError) in
                backend.stored(try backend.blockWeight(tensor, as: form))
            })
    }

    private func layers(_ golden: GoldenCase, _ model: ModelFolder, _ backend: CPUBackend) throws -> [[UInt8]] {
        try LayeredPipeline(model: model, backend: backend).decompose(
            golden.picture(), parameters: golden.parameters, latents: golden.latents()
        ).images.flatMap { $0 }.map(\.bytes)
    }

    @Test(arguments: cases, forms.indices)
    func beforehandEqualsWhileLoading(_ golden: GoldenCase, _ index: Int) throws {
        let form = Self.forms[index]
        let scratch = TemporaryFolder()
        try quantize(golden.checkpoint, form, shardBytes: index % 2 == 0 ? 1 << 30 : 200_000, to: scratch.url)
        for compute in [ComputePrecision.float32, ComputePrecision(for: form.precision)] {
            let loading = CPUBackend(threads: 2, compute: compute)
            let mapped = CPUBackend(threads: 2, compute: compute)
            let (forms, model) = (WeightForms(form), try ModelFolder(scratch.url))
            let expected = try layers(golden, ModelFolder(golden.checkpoint).held(in: forms), loading)
            #expect(try layers(golden, model, mapped) == expected, "\(golden.meta.name), \(form), \(compute)")
            // Asked for again, a converted model stays as it is.
            let again = CPUBackend(threads: 2, compute: compute)
            #expect(try layers(golden, model.held(in: forms), again) == expected)
            #expect(mapped.memory.peakBytes <= loading.memory.peakBytes)
        }
        let model = try ModelFolder(scratch.url)
        #expect(model.quantizedPrecision == (form.precision.isQuantized ? form.precision : nil))
        #expect(model.defaults == (try ModelFolder(golden.checkpoint)).defaults)
    }

    /// A precision for each component, or for one alone, is what a folder of that component gives; forecasts have it.
    @Test(arguments: cases, ["text_encoder=int4,transformer=fp8", "text_encoder=int4", "transformer=int8"])
    func aComponentBeforehandEqualsWhileLoading(_ golden: GoldenCase, _ text: String) throws {
        let forms = WeightForms(try ComponentPrecisions(text: text), isRotated: nil)
        let scratch = TemporaryFolder()
        var components = ModelComponents()
        func folder(_ form: WeightForm?, _ part: ModelQuantizer.Part) throws -> URL? {
            guard let form else { return nil }
            let folder = scratch.url.appendingPathComponent(part.rawValue)
            try quantize(golden.checkpoint, form, shardBytes: 1 << 30, only: part, to: folder)
            return folder
        }
        components.textEncoder = try folder(forms.textEncoder, .textEncoder)
        components.transformer = try folder(forms.transformer, .transformer)
        let mapped = try ModelFolder(golden.checkpoint, components: components)
        let held = try ModelFolder(golden.checkpoint).held(in: forms)
        let backend = CPUBackend(threads: 2)
        let expected = try layers(golden, mapped, CPUBackend(threads: 2))
        #expect(try layers(golden, held, backend) == expected)
        #expect(try layers(golden, ModelFolder(golden.checkpoint), CPUBackend(threads: 2)) != expected)

        let picture = try golden.picture()
        let pipeline = try LayeredPipeline(model: held, backend: CPUBackend(threads: 2))
        let forecast = try pipeline.planner.forecast(
            golden.parameters, pictureWidth: picture.width, pictureHeight: picture.height)
        let memory = try pipeline.decompose(picture, parameters: golden.parameters).memory
        for stage in forecast.stages {
            #expect(memory.stages.first { $0.name == stage.stage.rawValue }?.peaks == stage.peaks, "\(stage.stage)")
        }
    }

    @Test func onlyTheLargeMatricesAreConverted() throws {
        let golden = try #require(Self.cases.first)
        let scratch = TemporaryFolder()
        try quantize(golden.checkpoint, WeightForm(.int8), shardBytes: 1 << 30, to: scratch.url)
        let before = try ModelFolder(golden.checkpoint)
        let after = try ModelFolder(scratch.url)
        #expect(after.transformerSource.names == before.transformerSource.names)
        for name in before.transformerSource.names {
            let (old, new) = (
                try before.transformerSource.tensor(named: name), try after.transformerSource.tensor(named: name)
            )
            let isLarge =
                name.hasSuffix(".weight") && (name.contains(".attn.") || name.contains("_mlp.")) && old.shape.rank == 2
            #expect(new.dtype == (isLarge ? .int8 : old.dtype) && new.shape == old.shape, "\(name)")
        }
        #expect(after.autoencoderSource.names == before.autoencoderSource.names)
    }

    /// Cancelled, it stops; a matrix with NaN is named.
    @Test func stopsAndNames() throws {
        let golden = try #require(Self.cases.first)
        let scratch = TemporaryFolder()
        let cancellation = Cancellation()
        cancellation.cancel()
        let quantizer = try ModelQuantizer(model: ModelFolder(golden.checkpoint), form: WeightForm(.fp8))
        #expect {
            try quantizer.write(
                to: scratch.url, shardBytes: 1 << 30, convert: { _, tensor, _ in tensor }, cancellation: cancellation)
        } throws: { error in
            if case PipelineError.cancelled = error { true } else { false }
        }
        let problem = TensorError.valueNotFinite(row: 3)
        #expect {
            try quantizer.write(
                to: scratch.url, shardBytes: 1 << 30, convert: { _, _, _ throws(TensorError) in throw problem })
        } throws: { error in
            guard case PipelineError.weights(.conversion(let tensor, "transformer", problem)) = error else {
                return false
            }
            return tensor.hasPrefix("transformer_blocks.0.attn.")
        }
    }
}

/// A folder of a test's own, which goes with the object.
final class TemporaryFolder {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("mica-model-\(UUID().uuidString)")

    init() {
        try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }
}
