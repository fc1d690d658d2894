import ImageCodecs
import LayerFitting
import QwenImage

/// A decomposition whose layers are as people get them.
public struct FinishedResult: Sendable {
    /// With the finished layers in place of the model's, and their size.
    public let decomposition: Decomposition
    /// What was done to the model's layers.
    public let finish: LayerFinish
    /// Names of the layers by image, bottom first.
    public let names: [[String]]
    /// Around what can be seen of each layer; nil for an empty one.
    let boxes: [[ResultManifest.Box?]]
    /// Wall seconds that finishing took.
    public let seconds: Double

    /// Finishes every image of a decomposition of `picture`; throws if the layers are no stack.
    public init(
        _ result: Decomposition, of picture: PixelBuffer, finish: LayerFinish
    ) throws(ImageError) {
        self.finish = finish
        let start = ContinuousClock.now
        var images: [[PixelBuffer]] = []
        for layers in result.images { images.append(try finish.finish(layers, of: picture)) }
        let (width, height) = (
            images.first?.first?.width ?? result.width, images.first?.first?.height ?? result.height
        )
        decomposition = Decomposition(
            images: images, parameters: result.parameters, caption: result.caption,
            width: width, height: height, stageSeconds: result.stageSeconds, peakTensorBytes: result.peakTensorBytes)
        boxes = Parallel.map(images) { $0.map { ResultEncoder.box(of: $0) } }
        let caption = result.caption ?? result.parameters.prompt
        names = boxes.map { LayerNames.names(for: $0, width: width, height: height, caption: caption) }
        seconds = (ContinuousClock.now - start) / .seconds(1)
    }
}
