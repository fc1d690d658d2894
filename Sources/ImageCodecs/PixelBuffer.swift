/// A picture in memory: 8 bits a channel, straight (not premultiplied) RGBA.
///
/// `bytes` holds `height` rows of `width` pixels, top row first, four bytes a pixel in the order R, G, B, A, without
/// padding between rows.
public struct PixelBuffer: Sendable, Equatable {
    /// Pixels in a row, at least 1.
    public let width: Int
    /// Rows, at least 1.
    public let height: Int
    /// `width * height * 4` values, row-major RGBA.
    public let bytes: [UInt8]

    /// Bytes a pixel.
    public static let channels = 4

    /// Wraps pixels that are there already.
    ///
    /// Throws `ImageError.invalidSize` for a side below 1 or a size whose byte count overflows, and
    /// `ImageError.byteCountMismatch` when `bytes` does not hold exactly `width * height * 4` values.
    public init(width: Int, height: Int, bytes: [UInt8]) throws(ImageError) {
        let expected = try PixelBuffer.byteCount(width: width, height: height, channels: PixelBuffer.channels)
        guard bytes.count == expected else {
            throw .byteCountMismatch(expected: expected, actual: bytes.count)
        }
        self.init(uncheckedWidth: width, height: height, bytes: bytes)
    }

    /// Makes a picture of one colour, transparent black unless told otherwise.
    ///
    /// Throws `ImageError.invalidSize` as the other initialiser does.
    public init(
        width: Int, height: Int, red: UInt8 = 0, green: UInt8 = 0, blue: UInt8 = 0, alpha: UInt8 = 0
    ) throws(ImageError) {
        let count = try PixelBuffer.byteCount(width: width, height: height, channels: PixelBuffer.channels)
        var bytes = [UInt8](repeating: red, count: count)
        if green != red || blue != red || alpha != red {
            for offset in stride(from: 0, to: count, by: PixelBuffer.channels) {
                bytes[offset + 1] = green
                bytes[offset + 2] = blue
                bytes[offset + 3] = alpha
            }
        }
        self.init(uncheckedWidth: width, height: height, bytes: bytes)
    }

    /// For callers in this module that made `bytes` by the same arithmetic.
    init(uncheckedWidth width: Int, height: Int, bytes: [UInt8]) {
        assert(bytes.count == width * height * PixelBuffer.channels)
        self.width = width
        self.height = height
        self.bytes = bytes
    }

    /// True when every alpha value is 255.
    public var isOpaque: Bool {
        bytes.withUnsafeBufferPointer { buffer in
            var all: UInt8 = 255
            var offset = 3
            while offset < buffer.count {
                all &= buffer[offset]
                offset += PixelBuffer.channels
            }
            return all == 255
        }
    }

    /// The number of bytes of a picture, or `ImageError.invalidSize`.
    static func byteCount(width: Int, height: Int, channels: Int) throws(ImageError) -> Int {
        guard width >= 1, height >= 1 else {
            throw .invalidSize(width: width, height: height, limit: Int(Int32.max))
        }
        let (pixels, pixelOverflow) = width.multipliedReportingOverflow(by: height)
        let (count, countOverflow) = pixels.multipliedReportingOverflow(by: channels)
        guard width <= Int32.max, height <= Int32.max, !pixelOverflow, !countOverflow else {
            throw .invalidSize(width: width, height: height, limit: Int(Int32.max))
        }
        return count
    }
}
