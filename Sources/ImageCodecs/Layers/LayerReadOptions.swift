/// What a caller allows when a file of layers is read.
public struct LayerReadOptions: Sendable, Equatable {
    /// The most bytes of a file.
    public static let defaultMaximumByteCount = 1 << 30
    /// The most pixels of a canvas.
    public static let defaultMaximumCanvasPixels = 100_000_000
    /// The most pixels of all layers together: 4 bytes each.
    public static let defaultMaximumLayerPixels = 400_000_000
    /// The most pixels that putting all layers and groups together takes: some minutes.
    public static let defaultMaximumDrawnPixels = 30_000_000_000

    /// The most bytes of a file.
    public var maximumByteCount: Int
    /// The most pixels of a canvas, by its header.
    public var maximumCanvasPixels: Int
    /// The most pixels of all layers together, by their headers.
    public var maximumLayerPixels: Int
    /// The most pixels of all layers and groups together, a group being as large on the canvas as what is in it: each
    /// is drawn, and a group of nearly nothing may be as large as the canvas.
    public var maximumDrawnPixels: Int

    /// Options; every default is the command's own.
    public init(
        maximumByteCount: Int = LayerReadOptions.defaultMaximumByteCount,
        maximumCanvasPixels: Int = LayerReadOptions.defaultMaximumCanvasPixels,
        maximumLayerPixels: Int = LayerReadOptions.defaultMaximumLayerPixels,
        maximumDrawnPixels: Int = LayerReadOptions.defaultMaximumDrawnPixels
    ) {
        self.maximumByteCount = maximumByteCount
        self.maximumCanvasPixels = maximumCanvasPixels
        self.maximumLayerPixels = maximumLayerPixels
        self.maximumDrawnPixels = maximumDrawnPixels
    }

    /// Throws if the file is empty or larger than allowed.
    func checkByteCount(_ count: Int) throws(ImageError) {
        // Not `emptyInput`, whose advice is about pictures.
        guard count > 0 else { throw .noLayers }
        guard count <= maximumByteCount else { throw .inputTooLarge(byteCount: count, limit: maximumByteCount) }
    }

    /// Throws if a canvas of this size is not allowed.
    func checkCanvas(width: Int, height: Int, format: ImageFormat) throws(ImageError) {
        guard width >= 1, height >= 1 else { throw .damaged(format, detail: "its canvas is \(width) x \(height)") }
        guard width <= LayerTree.maximumSide, height <= LayerTree.maximumSide else {
            throw .sideTooLong(width: width, height: height, limit: LayerTree.maximumSide)
        }
        let limit = min(maximumCanvasPixels, LayerTree.maximumPixels)
        guard width * height <= limit else { throw .tooManyPixels(width: width, height: height, limit: limit) }
    }

    /// The tree; throws if putting it together takes more than is allowed.
    func checked(_ tree: LayerTree) throws(ImageError) -> LayerTree {
        let count = DrawnNode.pixelCount(of: DrawnNode.list(of: tree, ExactRows.self))
        guard count <= maximumDrawnPixels else { throw .tooMuchToDraw(pixels: count, limit: maximumDrawnPixels) }
        return tree
    }
}

/// Counts pixels of layers before memory is taken for them.
struct PixelBudget {
    private(set) var remaining: Int

    init(_ options: LayerReadOptions) {
        remaining = min(options.maximumLayerPixels, LayerTree.maximumPixels)
    }

    /// Throws if a layer of this size does not fit any more; sides are at most `LayerTree.maximumSide`.
    mutating func take(width: Int, height: Int) throws(ImageError) {
        guard width * height <= remaining else {
            throw .tooManyPixels(width: width, height: height, limit: remaining)
        }
        remaining -= width * height
    }
}
