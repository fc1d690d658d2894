/// A picture in memory without alpha: 8 bits a channel, RGB.
///
/// `bytes` holds `height` rows of `width` pixels, top row first, three bytes a pixel in the order R, G, B, without
/// padding between rows.
public struct RGBBuffer: Sendable, Equatable {
    /// Pixels in a row, at least 1.
    public let width: Int
    /// Rows, at least 1.
    public let height: Int
    /// `width * height * 3` values, row-major RGB.
    public let bytes: [UInt8]

    /// Bytes a pixel.
    public static let channels = 3

    /// Wraps pixels that are there already.
    ///
    /// Throws `ImageError.invalidSize` for a side below 1 or a size whose byte count overflows, and
    /// `ImageError.byteCountMismatch` when `bytes` does not hold exactly `width * height * 3` values.
    public init(width: Int, height: Int, bytes: [UInt8]) throws(ImageError) {
        let expected = try PixelBuffer.byteCount(width: width, height: height, channels: RGBBuffer.channels)
        guard bytes.count == expected else {
            throw .byteCountMismatch(expected: expected, actual: bytes.count)
        }
        self.init(uncheckedWidth: width, height: height, bytes: bytes)
    }

    /// The picture with its alpha channel dropped, colours as they are.
    public init(droppingAlphaOf image: PixelBuffer) {
        let source = image.bytes
        var target = [UInt8](repeating: 0, count: image.width * image.height * RGBBuffer.channels)
        source.withUnsafeBufferPointer { source in
            target.withUnsafeMutableBufferPointer { target in
                for pixel in 0..<image.width * image.height {
                    target[pixel * 3] = source[pixel * 4]
                    target[pixel * 3 + 1] = source[pixel * 4 + 1]
                    target[pixel * 3 + 2] = source[pixel * 4 + 2]
                }
            }
        }
        self.init(uncheckedWidth: image.width, height: image.height, bytes: target)
    }

    /// For callers in this module that made `bytes` by the same arithmetic.
    init(uncheckedWidth width: Int, height: Int, bytes: [UInt8]) {
        assert(bytes.count == width * height * RGBBuffer.channels)
        self.width = width
        self.height = height
        self.bytes = bytes
    }
}
