import CLayerFitting
import ImageCodecs

/// Brings layers from the model's size to the picture they were made from.
///
/// Alpha grows in doublings, each guided by the picture at that size, so that its edges come to lie on the picture's
/// own. A layer that is all one sees of a pixel has the picture's colour there; where several are seen, their colours
/// are the model's, moved as little as it takes for the stack to give the picture; what is hidden keeps the model's
/// colours, enlarged. Source-over of the result over nothing is the picture, alpha included, within one 8-bit level
/// everywhere.
public enum LayerFitter {
    /// The most layers of a stack.
    public static let largestCount = Int(FIT_MAX_LAYERS)

    /// Fits a stack, bottom first, to the picture; the results have its size.
    ///
    /// - Parameters:
    ///   - layers: straight RGBA of one size, 1 to 16 of them.
    ///   - picture: what the layers were made from.
    ///   - cleanUp: which alpha becomes 0 or 255 on the way; nil keeps all as it is.
    ///   - flatRegions: whether each region of one colour is given to one layer, as suits drawings.
    /// - Throws: `ImageError.countOutOfRange` or `layerSizeMismatch` for a stack that is none.
    public static func fit(
        _ layers: [PixelBuffer], to picture: PixelBuffer, cleanUp: AlphaCleanUp? = AlphaCleanUp(),
        flatRegions: Bool = false
    ) throws(ImageError) -> [PixelBuffer] {
        try Self.check(layers)
        // A picture below the model's size gets its layers made smaller first: there is nothing to be guided by.
        let width = min(layers[0].width, picture.width)
        let height = min(layers[0].height, picture.height)
        var sources: [PixelBuffer] = []
        for layer in layers {
            sources.append(try Resampler.resize(layer, width: width, height: height, filter: .lanczos))
        }
        let size = FitPlan.Size(width: picture.width, height: picture.height)
        let plan = FitPlan(
            model: FitPlan.Size(width: width, height: height),
            picture: size)
        let fitting = Fitting(
            sources, picture: picture, plan: plan, cleanUp: cleanUp,
            repairsRegions: flatRegions && FitPlan.grows(layers[0].width, layers[0].height, to: size))
        var results: [PixelBuffer] = []
        for bytes in fitting.results() {
            results.append(try PixelBuffer(width: picture.width, height: picture.height, bytes: bytes))
        }
        return results
    }

    /// Throws if these are no stack.
    static func check(_ layers: [PixelBuffer]) throws(ImageError) {
        guard let first = layers.first, layers.count <= largestCount else {
            throw .countOutOfRange(what: "layers", count: layers.count, limit: largestCount)
        }
        for (index, layer) in layers.enumerated() where layer.width != first.width || layer.height != first.height {
            throw .layerSizeMismatch(
                layer: "layer \(index + 1)", expectedWidth: first.width, expectedHeight: first.height,
                actualWidth: layer.width, actualHeight: layer.height)
        }
    }
}
