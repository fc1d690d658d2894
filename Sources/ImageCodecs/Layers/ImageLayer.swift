/// One layer of a tree: pixels somewhere on the canvas, with a name.
public struct ImageLayer: Sendable, Equatable {
    /// The name that programs show, 1 to `LayerTree.maximumNameByteCount` bytes.
    public var name: String
    /// The pixels, straight RGBA; nil for a layer without any.
    public var pixels: PixelBuffer?
    /// The canvas column of the first pixel; may lie outside.
    public var x: Int
    /// The canvas row of the first pixel; may lie outside.
    public var y: Int
    /// What the layer's alpha is multiplied by, 255 for as it is.
    public var opacity: UInt8
    /// Whether the layer takes part in the flat picture.
    public var isVisible: Bool
    /// How the layer's colours meet those below.
    public var blendMode: BlendMode
    /// Whether the layer shows only where the nearest unclipped node below it does.
    public var isClipped: Bool

    /// A layer: at the canvas' corner, opaque, visible and normal unless told otherwise.
    public init(
        name: String, pixels: PixelBuffer?, x: Int = 0, y: Int = 0, opacity: UInt8 = 255, isVisible: Bool = true,
        blendMode: BlendMode = .normal, isClipped: Bool = false
    ) {
        self.name = name
        self.pixels = pixels
        self.x = x
        self.y = y
        self.opacity = opacity
        self.isVisible = isVisible
        self.blendMode = blendMode
        self.isClipped = isClipped
    }

    /// The picture of the layer's own file, which formats want in any case: one transparent pixel without any.
    public var picture: PixelBuffer {
        pixels ?? PixelBuffer(uncheckedWidth: 1, height: 1, bytes: [UInt8](repeating: 0, count: PixelBuffer.channels))
    }

    /// Where on the canvas its pixels are that are not fully transparent; nil if there are none.
    public var visibleBox: (x: Int, y: Int, width: Int, height: Int)? {
        guard let pixels, let box = PixelBox(ofVisiblePixelsIn: pixels) else { return nil }
        return (x + box.left, y + box.top, box.width, box.height)
    }

    /// The layer with nothing around its visible pixels; `pixels` is nil if there are none.
    public func trimmed() -> ImageLayer {
        guard let pixels else { return self }
        var result = self
        guard let box = PixelBox(ofVisiblePixelsIn: pixels) else {
            (result.pixels, result.x, result.y) = (nil, 0, 0)
            return result
        }
        guard box.width < pixels.width || box.height < pixels.height else { return self }
        result.pixels = pixels.cropped(to: box)
        result.x += box.left
        result.y += box.top
        return result
    }

    /// The layer's pixels on a canvas of this size, transparent black where it has none; what lies outside is lost.
    ///
    /// Throws `ImageError.invalidSize` for a canvas that cannot be.
    public func onCanvas(width: Int, height: Int) throws(ImageError) -> PixelBuffer {
        guard let pixels else { return try PixelBuffer(width: width, height: height) }
        if x == 0, y == 0, pixels.width == width, pixels.height == height { return pixels }
        let count = try PixelBuffer.byteCount(width: width, height: height, channels: PixelBuffer.channels)
        var bytes = [UInt8](repeating: 0, count: count)
        let columns = max(0, x)..<max(max(0, x), min(width, x + pixels.width))
        if !columns.isEmpty {
            for row in max(0, y)..<max(max(0, y), min(height, y + pixels.height)) {
                let source = ((row - y) * pixels.width + columns.lowerBound - x) * PixelBuffer.channels
                let target = (row * width + columns.lowerBound) * PixelBuffer.channels
                let length = columns.count * PixelBuffer.channels
                bytes.replaceSubrange(target..<target + length, with: pixels.bytes[source..<source + length])
            }
        }
        return PixelBuffer(uncheckedWidth: width, height: height, bytes: bytes)
    }
}
