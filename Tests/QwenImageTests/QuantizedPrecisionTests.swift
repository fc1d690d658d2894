import CPUBackend
import Foundation
import ImageCodecs
import QwenImage
import TensorCore
import Testing

/// Blocks' matrices held in fewer bits, products in float32: how far the layers are from those of the reference's
/// float32.
@Suite struct QuantizedPrecisionTests {
    /// Peak signal-to-noise ratios of the layers, in dB, that each form must reach. int4 is measured by
    /// `mica bench quality`; its bound here is what keeps it from being broken.
    private static let forms: [(WeightForm, Double)] = [
        (WeightForm(.int8), 40), (WeightForm(.int8, isRotated: true), 40), (WeightForm(.fp8), 35),
        (WeightForm(.int4), 15), (WeightForm(.bfloat16), 45),
    ]

    @Test(arguments: GoldenCase.all.filter { !$0.parameters.needsCaption }, forms.indices)
    func layersStayClose(_ golden: GoldenCase, _ index: Int) throws {
        let (form, least) = Self.forms[index]
        let result = try LayeredPipeline(
            model: ModelFolder(golden.checkpoint).held(in: WeightForms(form)), backend: CPUBackend()
        ).decompose(
            golden.picture(), parameters: golden.parameters, latents: golden.latents())
        let ratio = try LayerRatio.decibels(result.images.flatMap { $0 }, golden.expectedLayers())
        #expect(ratio >= least, "\(golden.meta.name) in \(form): \(ratio) dB")
    }
}

/// How close layers are.
enum LayerRatio {
    /// `10 log10(255² / mean square error)` over all values of all layers.
    static func decibels(_ found: [PixelBuffer], _ wanted: [PixelBuffer]) throws -> Double {
        var sum = 0.0
        var count = 0
        for (found, wanted) in zip(found, wanted) {
            for (a, b) in zip(found.bytes, wanted.bytes) { sum += pow(Double(a) - Double(b), 2) }
            count += wanted.bytes.count
        }
        return 10 * log10(255 * 255 / (sum / Double(count)))
    }
}
