import ImageCodecs
import TensorCore

/// Shows what the layers of one job are going to be, blended, every few steps, and of slow steps after some seconds.
///
/// The model predicts a velocity, so the end of a straight way is known at each step: `latents + rest * prediction`.
/// Its cells go through `LatentProjection` instead of the decoder, which would cost as much as the job's own.
final class LatentPreview {
    private let watch: PreviewWatch
    private let projection: LatentProjection
    private let geometry: LatentGeometry
    private let layers: Int
    private let steps: Int
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    /// Beyond this since the last preview the next step shows one.
    private static let patience = Duration.seconds(5)
    private var shown: ContinuousClock.Instant
    private var spent = Duration.zero

    /// Previews of a job of `layers` layers beside the whole picture, which is the first frame.
    init(_ watch: PreviewWatch, projection: LatentProjection, geometry: LatentGeometry, layers: Int, steps: Int) {
        self.watch = watch
        self.projection = projection
        self.geometry = geometry
        self.layers = layers
        self.steps = steps
        start = clock.now
        shown = start
    }

    /// After step `step`: shows a preview if one is due.
    ///
    /// - Parameters:
    ///   - latents: packed, [frames * frameTokens, channels * 4] float32, whole picture first.
    ///   - prediction: the velocity that led here, of the same shape.
    ///   - rest: what is left of sigma's way, with its sign.
    func afterStep(
        _ step: Int, latents: Tensor, prediction: Tensor, rest: Float, on backend: any Backend
    ) throws(TensorError) {
        guard isDue(step) else { return }
        let begin = clock.now
        let rows = geometry.frameTokens..<(layers + 1) * geometry.frameTokens
        let now = try backend.download(latents.rows(rows))
        let velocity = try backend.download(prediction.rows(rows))
        if let picture = composite(zip(now, velocity).map { $0 + rest * $1 }) { watch.show(picture) }
        shown = clock.now
        spent += shown - begin
    }

    private func isDue(_ step: Int) -> Bool {
        // After the last step comes the real picture.
        let stride = max(1, steps / max(1, watch.count))
        guard (step + 1) % stride == 0 || clock.now - shown >= Self.patience else { return false }
        guard step + 1 < steps, watch.isWanted() else { return false }
        let elapsed = (clock.now - start) / .seconds(1)
        return elapsed >= watch.leadSeconds && spent / .seconds(1) <= watch.share * elapsed
    }

    /// Tokens of the layers, bottom first, to their blend.
    private func composite(_ tokens: [Float]) -> PixelBuffer? {
        let frame = geometry.frameTokens * geometry.tokenChannels
        let stack = (0..<layers).compactMap { layer -> ImageLayer? in
            let pixels = projection.pixels(ofTokens: tokens[(layer * frame)..<((layer + 1) * frame)], geometry)
            return pixels.map { ImageLayer(name: "layer", pixels: $0) }
        }
        // Sizes are all the same, so that the one failure there can be is no layer at all.
        return (try? LayerTree(layers: stack)).map { Composite.flatten($0) }
    }
}
