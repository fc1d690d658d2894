import ImageCodecs
import LayerFitting
import QwenImage
import ServiceAPI

/// An engine that is done at once: layers of one colour, which the seed decides.
final class InstantDecomposer: LayerDecomposer {
    let modelName = "instant"
    let hasCaptioner = false
    let memoryLimitBytes: Int? = nil
    let caches: [CacheFigures] = []
    private static let side = 64

    func parameters(for options: DecompositionOptions) throws(PipelineError) -> DecompositionParameters {
        try options.resolved(with: ModelDefaults())
    }

    func plan(
        for parameters: DecompositionParameters, finish: LayerFinish, others: OtherLayers?, width: Int, height: Int
    ) throws(PipelineError) -> PlanManifest {
        throw .model(file: "instant", problem: "it takes nothing")
    }

    func decompose(
        _ picture: PixelBuffer, parameters: DecompositionParameters, finish: LayerFinish, others: OtherLayers?,
        cancellation: Cancellation, preview: PreviewWatch, progress: @escaping @Sendable (PipelineProgress) -> Void
    ) throws(PipelineError) -> Decomposition {
        try cancellation.check()
        do {
            let layers = try (0..<parameters.layers).map { index in
                try PixelBuffer(
                    width: Self.side, height: Self.side, red: UInt8(truncatingIfNeeded: parameters.seed),
                    green: UInt8(index), alpha: 255)
            }
            return Decomposition(
                images: [layers], parameters: parameters, caption: nil, width: Self.side, height: Self.side,
                stageSeconds: [], peakTensorBytes: 0)
        } catch {
            throw .model(file: "instant", problem: "\(error)")
        }
    }
}
