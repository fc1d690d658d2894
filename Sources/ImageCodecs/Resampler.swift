/// Resizes pictures, bit for bit as Pillow 13 or torch do.
///
/// The source's rows go through one pass an axis, each rounded and clipped to 8 bits; a pass whose side does not change
/// is left out. Beside the picture between the passes only a few rows are held.
public enum Resampler {
    /// The longest side of a result.
    public static let maximumSide = 65_536
    /// The most pixels of a result.
    public static let maximumPixels = 1 << 28

    /// Resizes an RGBA picture.
    ///
    /// The Pillow filters work on premultiplied colours, as `Image.resize` does for mode `RGBA`; torch's filter treats
    /// the four channels alike. Throws `ImageError.invalidSize` for a side outside `1...maximumSide` and
    /// `ImageError.tooManyPixels` beyond `maximumPixels`.
    public static func resize(
        _ image: PixelBuffer, width: Int, height: Int, filter: ResampleFilter
    ) throws(ImageError) -> PixelBuffer {
        try checkSize(width: width, height: height)
        if width == image.width && height == image.height { return image }
        let premultiplies = filter != .torchAntialiasedBicubic && !image.isOpaque
        let plan = ResamplePlan(
            inputWidth: image.width, inputHeight: image.height, width: width, height: height, filter: filter)
        var bytes = plan.run(image.bytes, channels: PixelBuffer.channels, premultiplies: premultiplies)
        if premultiplies {
            bytes.withUnsafeMutableBufferPointer { PremultipliedRows.unpremultiply($0) }
        }
        return PixelBuffer(uncheckedWidth: width, height: height, bytes: bytes)
    }

    /// Resizes an RGB picture, the three channels alike.
    ///
    /// Throws `ImageError.invalidSize` for a side outside `1...maximumSide` and `ImageError.tooManyPixels` beyond
    /// `maximumPixels`.
    public static func resize(
        _ image: RGBBuffer, width: Int, height: Int, filter: ResampleFilter
    ) throws(ImageError) -> RGBBuffer {
        try checkSize(width: width, height: height)
        if width == image.width && height == image.height { return image }
        let plan = ResamplePlan(
            inputWidth: image.width, inputHeight: image.height, width: width, height: height, filter: filter)
        let bytes = plan.run(image.bytes, channels: RGBBuffer.channels, premultiplies: false)
        return RGBBuffer(uncheckedWidth: width, height: height, bytes: bytes)
    }

    private static func checkSize(width: Int, height: Int) throws(ImageError) {
        guard (1...maximumSide).contains(width), (1...maximumSide).contains(height) else {
            throw .invalidSize(width: width, height: height, limit: maximumSide)
        }
        guard width * height <= maximumPixels else {
            throw .tooManyPixels(width: width, height: height, limit: maximumPixels)
        }
    }
}
