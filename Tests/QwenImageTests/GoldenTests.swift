import CPUBackend
import Foundation
import ImageCodecs
import QwenImage
import TensorCore
import Testing
import Weights

/// The whole pipeline against the reference implementation, every stage on its way compared.
@Suite struct GoldenTests {
    /// Stages may differ by the order of float32 sums only.
    static let stageTolerance = 1e-4

    @Test(arguments: GoldenCase.all + GoldenCase.adapted + GoldenCase.cached)
    func everyStageEqualsTheReference(_ golden: GoldenCase) throws {
        let backend = CPUBackend()
        let pipeline = try LayeredPipeline(model: golden.model(), backend: backend)
        let observer = RecordingObserver(backend)
        var hooks = LayeredPipeline.Hooks()
        hooks.observer = observer
        let result = try pipeline.decompose(
            try golden.picture(), parameters: golden.parameters, latents: try golden.latents(), hooks: hooks)
        #expect(result.width == golden.meta.width && result.height == golden.meta.height)
        #expect(result.caption == golden.meta.caption)
        #expect(result.reusedPasses == golden.meta.reused_passes)
        try Self.compareStages(observer, golden)
        try Self.compareLayers(result.images.flatMap { $0 }, golden)
    }

    static func compareStages(_ observer: RecordingObserver, _ golden: GoldenCase) throws {
        let file = try golden.golden()
        let needsCaption = golden.parameters.needsCaption
        var compared = 0
        for name in file.names {
            // The caption's stages exist in every full case, but a job
            // with a prompt does not run them: see the caption tests.
            if !needsCaption, name.hasPrefix("vision.") || name.hasPrefix("caption.") { continue }
            if name == "vision.grid_thw" || name.hasSuffix("encoder_hidden_states") && name.hasPrefix("transformer.") {
                continue
            }
            let expected = try file.tensor(named: name)
            let found = try #require(observer.values[name], "\(name) was not recorded")
            #expect(observer.shapes[name] == expected.shape, "\(name)")
            let error = relativeError(found, try expected.floats())
            let tolerance = name.hasPrefix("scheduler.") ? 1e-6 : Self.stageTolerance
            #expect(error <= tolerance, "\(golden.meta.name): \(name) differs by \(error)")
            compared += 1
        }
        #expect(compared >= 6)
    }

    static func compareLayers(_ layers: [PixelBuffer], _ golden: GoldenCase) throws {
        compareLayers(layers, try golden.expectedLayers())
    }

    static func compareLayers(_ layers: [PixelBuffer], _ expected: [PixelBuffer]) {
        #expect(layers.count == expected.count)
        var equal = 0
        var total = 0
        var largest = 0
        for (found, wanted) in zip(layers, expected) {
            for (a, b) in zip(found.bytes, wanted.bytes) {
                equal += a == b ? 1 : 0
                largest = max(largest, abs(Int(a) - Int(b)))
            }
            total += wanted.bytes.count
        }
        #expect(Double(equal) >= 0.999 * Double(total), "\(total - equal) of \(total) values differ")
        #expect(largest <= 2)
    }
}
