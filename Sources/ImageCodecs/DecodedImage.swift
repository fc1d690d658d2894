/// A decoded picture, upright and as straight RGBA, with what its file said about it.
public struct DecodedImage: Sendable, Equatable {
    /// How the file stores colour.
    public enum ColorModel: String, Sendable {
        case grey
        case greyAlpha
        case rgb
        case rgba
        case palette
        case cmyk
    }

    /// The pixels, turned as `orientation` asks for.
    public let pixels: PixelBuffer
    /// The format, known by the file's bytes.
    public let format: ImageFormat
    /// How the file stores colour.
    public let colorModel: ColorModel
    /// Bits a sample in the file: 1, 2, 4, 8 or 16.
    public let bitDepth: Int
    /// Whether the file has any way to say that a pixel is transparent (alpha channel, tRNS).
    public let hasAlpha: Bool
    /// The EXIF orientation, 1...8; 1 is upright.
    public let orientation: Int
    /// Whether an ICC profile is embedded.
    public let hasColorProfile: Bool
    /// Whether colours were converted by that profile: false also when it is sRGB already or does not fit the picture.
    public let isColorConverted: Bool
}
