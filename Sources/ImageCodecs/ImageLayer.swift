/// One layer of a stack: a picture of the canvas' size with a name.
public struct ImageLayer: Sendable, Equatable {
    /// The name that programs show.
    public var name: String
    /// The pixels, straight RGBA, of the canvas' size.
    public var pixels: PixelBuffer
    /// What the layer's alpha is multiplied by, 255 for as it is.
    public var opacity: UInt8
    /// Whether the layer takes part in the flat picture.
    public var isVisible: Bool

    /// A layer, opaque and visible unless told otherwise.
    public init(name: String, pixels: PixelBuffer, opacity: UInt8 = 255, isVisible: Bool = true) {
        self.name = name
        self.pixels = pixels
        self.opacity = opacity
        self.isVisible = isVisible
    }
}
