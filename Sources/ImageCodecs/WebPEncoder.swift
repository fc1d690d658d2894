import CImages

/// Writes lossless WebP.
public enum WebPEncoder {
    /// The longest side that WebP holds.
    public static let maximumSide = 16_383
    /// libwebp's effort, 0...9: above this little is gained for much time.
    private static let level: Int32 = 1

    /// Encodes one picture; every pixel comes back as it is, also colour under alpha 0 unless that is to be cleared.
    ///
    /// Throws `ImageError.outputTooLarge` beyond `maximumSide` and `ImageError.codecFailure` without memory.
    public static func encode(_ image: PixelBuffer, clearsTransparentColor: Bool = true) throws(ImageError) -> [UInt8] {
        guard image.width <= maximumSide, image.height <= maximumSide else {
            throw .outputTooLarge(format: "WebP", limit: "\(maximumSide) pixels a side")
        }
        var configuration = WebPConfig()
        var picture = WebPPicture()
        guard WebPConfigInit(&configuration) != 0, WebPConfigLosslessPreset(&configuration, level) != 0,
            WebPPictureInit(&picture) != 0
        else { throw failure("libwebp has another version than its header") }
        configuration.exact = clearsTransparentColor ? 0 : 1
        configuration.thread_level = 1
        picture.use_argb = 1
        picture.width = Int32(image.width)
        picture.height = Int32(image.height)
        var writer = WebPMemoryWriter()
        WebPMemoryWriterInit(&writer)
        defer {
            WebPPictureFree(&picture)
            WebPMemoryWriterClear(&writer)
        }
        guard WebPPictureImportRGBA(&picture, image.bytes, Int32(image.width * PixelBuffer.channels)) != 0 else {
            throw failure("no memory")
        }
        let isWritten = withUnsafeMutablePointer(to: &writer) { writer in
            picture.writer = WebPMemoryWrite
            picture.custom_ptr = UnsafeMutableRawPointer(writer)
            return WebPEncode(&configuration, &picture) != 0
        }
        guard isWritten, let bytes = writer.mem else { throw failure("error \(picture.error_code.rawValue)") }
        return Array(UnsafeBufferPointer(start: bytes, count: writer.size))
    }

    private static func failure(_ detail: String) -> ImageError {
        .codecFailure(operation: "writing WebP", detail: detail)
    }
}
