import CImages

/// Writes baseline JPEGs.
enum JPEGEncoder {
    /// The longest side that JPEG holds.
    static let maximumSide = 65_500
    /// From here on colours are kept at the full resolution (4:4:4), below at half of it (4:2:0).
    private static let fullColorQuality = 90

    /// A baseline JPEG that says how large it is in print, if told.
    ///
    /// Throws `ImageError.outputTooLarge` beyond `maximumSide` and `ImageError.codecFailure` without
    /// memory.
    static func encode(_ image: RGBBuffer, quality: Int, dotsPerInch: Int? = nil) throws(ImageError) -> [UInt8] {
        guard image.width <= maximumSide, image.height <= maximumSide else {
            throw .outputTooLarge(format: "JPEG", limit: "\(maximumSide) pixels a side")
        }
        var encoded: UnsafeMutablePointer<UInt8>?
        var count = 0
        let status = cimages_jpeg_encode(
            image.bytes, Int32(image.width), Int32(image.height), Int32(quality),
            quality >= fullColorQuality ? 1 : 0, Int32(dotsPerInch ?? 0), &encoded, &count)
        guard status == CIMAGES_OK, let encoded else {
            throw .codecFailure(operation: "writing JPEG", detail: "no memory")
        }
        defer { cimages_jpeg_free(encoded) }
        return Array(UnsafeBufferPointer(start: encoded, count: count))
    }
}
