import CLayerFitting
import ImageCodecs

/// What finishing a stack takes besides the picture and the model's layers: the arrays that `LayerFinish.finish` and
/// `LayerFitter.fit` make, those counted together that are there at the same time.
public struct FitMemory: Sendable, Equatable {
    /// Bytes at most.
    public let peakBytes: Int
    /// Of those, what is handed on: the finished layers.
    public let resultBytes: Int

    private static let channels = 4

    /// Of one stack.
    ///
    /// - Parameters:
    ///   - count: layers of the stack.
    ///   - width: of the model's layers, in pixels.
    ///   - height: the same.
    ///   - pictureWidth: of the picture they were made from.
    ///   - pictureHeight: the same.
    ///   - threads: that fit rows at the same time.
    ///   - flatRegions: whether each region of one colour is given to one layer.
    public init(
        _ finish: LayerFinish, count: Int, width: Int, height: Int, pictureWidth: Int, pictureHeight: Int, threads: Int,
        flatRegions: Bool = false
    ) {
        let stack = count * width * height * Self.channels
        // Cleaned bytes and the layers made of them; the former go at the end.
        let cleaned = finish.cleanUp == nil ? 0 : stack
        var cleaning = 2 * cleaned
        if flatRegions, finish.cleanUp != nil {
            cleaning = max(
                cleaning,
                cleaned + count * width * height
                    + Self.regionBytes(
                        width: width, height: height, pictureWidth: pictureWidth, pictureHeight: pictureHeight))
        }
        guard finish.fit == .original else {
            (peakBytes, resultBytes) = (cleaning, max(cleaned, finish.mergesLayers ? stack : 0))
            return
        }
        let model = FitPlan.Size(width: min(width, pictureWidth), height: min(height, pictureHeight))
        let picture = FitPlan.Size(width: pictureWidth, height: pictureHeight)
        let plan = FitPlan(model: model, picture: picture)
        let resized = model.width == width && model.height == height ? 0 : count * model.pixels * Self.channels
        // Colours and alpha at the model's size, and the picture at that size.
        var held = cleaned + resized + count * model.pixels * (Self.channels + 1) + model.pixels * Self.channels
        // The picture at the sizes below its own, and alpha at the largest of them.
        held += plan.sizes.dropLast().reduce(0) { $0 + $1.pixels * Self.channels }
        let coarse = plan.sizes.dropLast().last ?? model
        held += count * coarse.pixels
        // Of each thread: rows of the coarse size's models, of the model's layers at the picture's width, and of alpha.
        let models = 2 * count * Int(FIT_MODEL_VALUES) * coarse.width * MemoryLayout<Float>.size
        let widened = 4 * count * Self.channels * pictureWidth * MemoryLayout<Float>.size
        let scratch = models + widened + (count + Self.channels) * pictureWidth
        resultBytes = count * picture.pixels * Self.channels
        // Alpha of the picture's size and its pixels' owners, and what looks for these before there are results.
        let repairs = flatRegions && finish.cleanUp != nil && FitPlan.grows(width, height, to: picture)
        let planes = repairs ? (count + MemoryLayout<RegionOwners.Owner>.size) * picture.pixels : 0
        let regions = repairs ? picture.pixels * RegionOwners.bytesAPixel : 0
        let strips = (pictureHeight + Strips.rows - 1) / Strips.rows
        peakBytes = max(cleaning, held + planes + max(regions, min(threads, strips) * scratch + resultBytes))
    }

    /// What giving regions to layers takes besides their alpha: the picture made small, then its regions and their
    /// layers; then what smoothing hidden colours does.
    private static func regionBytes(width: Int, height: Int, pictureWidth: Int, pictureHeight: Int) -> Int {
        let picture = FitPlan.Size(width: max(width, pictureWidth), height: max(height, pictureHeight))
        let model = FitPlan.Size(width: width, height: height)
        let halves = FitPlan(model: model, picture: picture).sizes.dropLast().reduce(0) { $0 + $1.pixels * channels }
        let enlarged = pictureWidth < width || pictureHeight < height ? picture.pixels * channels : 0
        let counting = model.pixels * RegionOwners.bytesAPixel
        let smoothing = model.pixels * HiddenColors.bytesAPixel
        return model.pixels * channels + max(halves + enlarged + model.pixels * channels, counting, smoothing)
    }
}

extension FitPlan.Size {
    /// In all.
    fileprivate var pixels: Int { width * height }
}
