/// Makes pixels of PNG, JPEG and WebP files that anybody may have sent.
public enum ImageDecoder {
    /// Decodes one picture.
    ///
    /// The format is known by the bytes. Sizes are checked against `options` by the header, before memory is taken for
    /// pixels. Throws `ImageError` for everything that is not exactly one whole, readable picture.
    public static func decode(
        _ bytes: [UInt8], options: DecodeOptions = DecodeOptions()
    ) throws(ImageError) -> DecodedImage {
        guard !bytes.isEmpty else { throw .emptyInput }
        try options.checkByteCount(bytes.count)
        guard let format = ImageFormat.detect(bytes) else { throw .notAPicture }
        let encoded: EncodedPixels
        switch format {
        case .png: encoded = try PNGDecoder.decode(bytes, options: options)
        case .jpeg: encoded = try JPEGDecoder.decode(bytes, options: options)
        case .webp: encoded = try WebPDecoder.decode(bytes, options: options)
        default: throw .unsupportedFormat(format)
        }
        return try finish(encoded, format: format, options: options)
    }

    /// Colours to sRGB, everything to RGBA, upright.
    private static func finish(
        _ encoded: EncodedPixels, format: ImageFormat, options: DecodeOptions
    ) throws(ImageError) -> DecodedImage {
        var encoded = encoded
        var isConverted = false
        if options.appliesColorProfile, !encoded.profile.isEmpty {
            isConverted = try ColorProfile.convertToSRGB(&encoded)
        }
        switch encoded.layout {
        case .rgba: break
        case .grey: encoded.samples = ChannelExpansion.rgba(fromGrey: encoded.samples)
        case .cmyk: ChannelExpansion.convertCMYKToRGBA(&encoded.samples)
        }
        let upright = PixelBuffer(
            uncheckedWidth: encoded.width, height: encoded.height, bytes: encoded.samples)
        let turned = options.appliesOrientation ? Orientation.apply(encoded.orientation, to: upright) : upright
        return DecodedImage(
            pixels: turned, format: format, colorModel: encoded.colorModel, bitDepth: encoded.bitDepth,
            hasAlpha: encoded.hasAlpha, orientation: encoded.orientation,
            hasColorProfile: !encoded.profile.isEmpty, isColorConverted: isConverted)
    }
}
