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

    private func quantize(_ folder: URL, _ form: WeightForm, shardBytes: Int, to target: URL) throws {
        let backend = CPUBackend(weightForm: form)
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        try ModelQuantizer(model: ModelFolder(folder), form: form).write(
            to: target, shardBytes: shardBytes,
            convert: { _, tensor, _ throws(TensorError) in backend.stored(try backend.blockWeight(tensor)) })
    }

    private func layers(_ golden: GoldenCase, _ folder: URL, _ backend: CPUBackend) throws -> [[UInt8]] {
        try LayeredPipeline(model: folder, backend: backend).decompose(
            golden.picture(), parameters: golden.parameters, latents: golden.latents()
        ).images.flatMap { $0 }.map(\.bytes)
    }

    @Test(arguments: cases, forms.indices)
    func beforehandEqualsWhileLoading(_ golden: GoldenCase, _ index: Int) throws {
        let form = Self.forms[index]
        let scratch = TemporaryFolder()
        try quantize(golden.checkpoint, form, shardBytes: index % 2 == 0 ? 1 << 30 : 200_000, to: scratch.url)
        for compute in [ComputePrecision.float32, ComputePrecision(for: form.precision)] {
            let loading = CPUBackend(threads: 2, compute: compute, weightForm: form)
            let mapped = CPUBackend(threads: 2, compute: compute)
            let expected = try layers(golden, golden.checkpoint, loading)
            #expect(try layers(golden, scratch.url, mapped) == expected, "\(golden.meta.name), \(form), \(compute)")
            // Asked for again, a converted model stays as it is.
            let again = CPUBackend(threads: 2, compute: compute, weightForm: form)
            #expect(try layers(golden, scratch.url, again) == expected)
            #expect(mapped.memory.peakBytes <= loading.memory.peakBytes)
        }
        let model = try ModelFolder(scratch.url)
        #expect(model.quantizedPrecision == (form.precision.isQuantized ? form.precision : nil))
        #expect(model.defaults == (try ModelFolder(golden.checkpoint)).defaults)
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
