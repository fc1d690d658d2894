/// What a format's decoder hands on: pixels as the file has them, and what else the file says.
struct EncodedPixels {
    /// How `samples` is laid out.
    enum Layout: Equatable {
        /// One byte a pixel.
        case grey
        /// Four bytes a pixel, straight RGBA.
        case rgba
        /// Four bytes a pixel, 255 for full ink.
        case cmyk
    }

    var width: Int
    var height: Int
    var samples: [UInt8]
    var layout: Layout
    var colorModel: DecodedImage.ColorModel
    var bitDepth: Int
    var hasAlpha: Bool
    /// 1...8.
    var orientation: Int
    /// The ICC profile's bytes, empty without one.
    var profile: [UInt8]
}
