import CPUBackend
import Foundation
import ImageCodecs
import QwenImage
import TensorCore
import Testing

/// Blocks' weights and inputs in 8 bits: how far the layers are from those of float32.
@Suite(.enabled(if: ComputePrecision.hasFastInt8, "this CPU has no products of 8 bits"))
struct Int8Tests {
    /// Peak signal-to-noise ratio of the layers against the reference's float32, in dB.
    static let leastRatio = 40.0

    @Test(arguments: GoldenCase.all.filter { !$0.parameters.needsCaption })
    func layersStayClose(_ golden: GoldenCase) throws {
        let result = try LayeredPipeline(
            model: ModelFolder(golden.checkpoint).held(in: WeightForms(WeightForm(.int8))),
            backend: CPUBackend(compute: .int8)
        ).decompose(
            golden.picture(), parameters: golden.parameters, latents: golden.latents())
        var sum = 0.0
        var count = 0
        for (found, wanted) in zip(result.images.flatMap { $0 }, try golden.expectedLayers()) {
            for (a, b) in zip(found.bytes, wanted.bytes) { sum += pow(Double(a) - Double(b), 2) }
            count += wanted.bytes.count
        }
        let ratio = 10 * log10(255 * 255 / (sum / Double(count)))
        #expect(ratio >= Self.leastRatio, "\(golden.meta.name): \(ratio) dB")
    }
}
