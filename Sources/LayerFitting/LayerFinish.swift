import ImageCodecs

/// What is done to a model's layers before anybody gets them.
public struct LayerFinish: Sendable, Equatable, Codable {
    /// The size of the layers.
    public enum Fit: String, Sendable, CaseIterable, Codable {
        /// The picture's own: the layers put together are the picture.
        case original
        /// The model's.
        case model
    }

    /// What becomes of layers that hold nothing.
    public enum EmptyLayers: String, Sendable, CaseIterable, Codable {
        case keep
        case drop
    }

    /// The size of the layers.
    public var fit: Fit
    /// Nil leaves the model's alpha as it is.
    public var cleanUp: AlphaCleanUp?
    public var emptyLayers: EmptyLayers
    /// True if the stack was made with room: empty layers go, doubled ones are merged.
    public var mergesLayers: Bool

    /// As designers want it: the picture's size, clean alpha, as many layers as were asked for.
    public init(
        fit: Fit = .original, cleanUp: AlphaCleanUp? = AlphaCleanUp(), emptyLayers: EmptyLayers = .keep,
        mergesLayers: Bool = false
    ) {
        self.fit = fit
        self.cleanUp = cleanUp
        self.emptyLayers = emptyLayers
        self.mergesLayers = mergesLayers
    }

    /// The model's layers, to the last bit.
    public static let none = LayerFinish(fit: .model, cleanUp: nil)

    /// Finishes one stack, bottom first, that was made from `picture`.
    ///
    /// - Parameter flatRegions: cleaning up also gives each region of one colour to one layer, as suits a model of
    ///   flat drawings.
    ///
    /// Throws `ImageError.countOutOfRange` or `layerSizeMismatch` for a stack that is none.
    public func finish(
        _ layers: [PixelBuffer], of picture: PixelBuffer, flatRegions: Bool = false
    ) throws(ImageError) -> [PixelBuffer] {
        try LayerFitter.check(layers)
        var stack = layers
        if let cleanUp {
            let size = FitPlan.Size(width: picture.width, height: picture.height)
            let isToGrow = fit == .original && FitPlan.grows(layers[0].width, layers[0].height, to: size)
            stack = try cleanUp.cleaned(stack, regionsOf: flatRegions ? picture : nil, isToGrow: isToGrow)
        }
        if mergesLayers { stack = try LayerMerging.merged(stack) }
        if fit == .original {
            stack = try LayerFitter.fit(
                stack, to: picture, cleanUp: cleanUp, flatRegions: flatRegions && cleanUp != nil)
        }
        if emptyLayers == .drop || mergesLayers {
            let filled = stack.filter { !$0.isEmpty }
            // A picture of nothing still has a layer.
            stack = filled.isEmpty ? Array(stack.prefix(1)) : filled
        }
        return stack
    }
}
