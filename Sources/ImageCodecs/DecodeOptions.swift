/// What a caller allows and wants when a picture is decoded.
public struct DecodeOptions: Sendable, Equatable {
    /// The most bytes that a file may have.
    public static let defaultMaximumByteCount = 256 << 20
    /// The most pixels that a picture may have.
    public static let defaultMaximumPixels = 50_000_000
    /// The longest side that a picture may have.
    public static let defaultMaximumSide = 16_384
    /// The most scans of a progressive JPEG: each scan costs a pass over the whole picture, however short it is.
    public static let maximumScans = 100

    /// The most bytes that the file may have; may be lowered, values above the default count as the default.
    public var maximumByteCount: Int
    /// The most pixels that the picture may have by its header; may be lowered, as above.
    public var maximumPixels: Int
    /// The longest side that the picture may have by its header; may be lowered, as above.
    public var maximumSide: Int
    /// Whether colours are converted to sRGB by an embedded ICC profile. Without it the pixels are those that Pillow's
    /// `Image.open(...).convert("RGBA")` gives, as the reference implementation takes them.
    public var appliesColorProfile: Bool
    /// Whether the picture is turned and mirrored as its EXIF (or XMP) orientation says.
    public var appliesOrientation: Bool

    /// Options; every default is the service's own.
    public init(
        maximumByteCount: Int = DecodeOptions.defaultMaximumByteCount,
        maximumPixels: Int = DecodeOptions.defaultMaximumPixels,
        maximumSide: Int = DecodeOptions.defaultMaximumSide,
        appliesColorProfile: Bool = true,
        appliesOrientation: Bool = true
    ) {
        self.maximumByteCount = maximumByteCount
        self.maximumPixels = maximumPixels
        self.maximumSide = maximumSide
        self.appliesColorProfile = appliesColorProfile
        self.appliesOrientation = appliesOrientation
    }

    /// Throws if a picture of this size is not allowed; called before anything is allocated for its pixels.
    func checkSize(width: Int, height: Int, format: ImageFormat) throws(ImageError) {
        guard width >= 1, height >= 1 else { throw .damaged(format, detail: "its header says \(width) x \(height)") }
        let side = min(maximumSide, Self.defaultMaximumSide)
        guard width <= side, height <= side else { throw .sideTooLong(width: width, height: height, limit: side) }
        let pixels = min(maximumPixels, Self.defaultMaximumPixels)
        guard width * height <= pixels else { throw .tooManyPixels(width: width, height: height, limit: pixels) }
    }

    /// Throws if a file of this length is not allowed.
    func checkByteCount(_ count: Int) throws(ImageError) {
        let limit = min(maximumByteCount, Self.defaultMaximumByteCount)
        guard count <= limit else { throw .inputTooLarge(byteCount: count, limit: limit) }
    }
}
