/// How a flat picture is written.
public struct FlatPicture: Sendable, Equatable {
    /// A colour, 8 bits a channel.
    public struct Color: Sendable, Equatable {
        /// Its channels.
        public var red: UInt8
        public var green: UInt8
        public var blue: UInt8

        /// A colour of these channels.
        public init(red: UInt8, green: UInt8, blue: UInt8) {
            self.red = red
            self.green = green
            self.blue = blue
        }

        /// A colour as `ffffff`, `fff`, `#ffffff` or `#fff`; nil for other text.
        public init?(_ text: String) {
            var digits = String(text.hasPrefix("#") ? text.dropFirst() : text[...])
            // As in CSS, where one digit stands for two of it.
            if digits.utf8.count == 3 { digits = digits.map { "\($0)\($0)" }.joined() }
            guard digits.utf8.count == 6, digits.allSatisfy({ $0.isASCII && $0.isHexDigit }),
                let value = UInt32(digits, radix: 16)
            else { return nil }
            self.init(
                red: UInt8(value >> 16), green: UInt8(value >> 8 & 255), blue: UInt8(value & 255))
        }
    }

    /// The qualities that JPEG has.
    public static let qualities = 1...100

    /// What lies behind the picture; nil leaves it transparent, or white in JPEG.
    public var background: Color?
    /// The quality of a JPEG.
    public var quality = 95

    /// Transparent, of high quality.
    public init() {}

    /// The picture as PNG. Throws `ImageError`.
    public func png(_ flat: PixelBuffer) throws(ImageError) -> [UInt8] {
        try PNGEncoder.encode(onBackground(flat), options: PNGOptions(colorType: .automatic))
    }

    /// The picture as WebP, without loss. Throws `ImageError`.
    public func webP(_ flat: PixelBuffer) throws(ImageError) -> [UInt8] { try WebPEncoder.encode(onBackground(flat)) }

    /// The picture as JPEG. Throws `ImageError`.
    public func jpeg(_ flat: PixelBuffer) throws(ImageError) -> [UInt8] {
        var opaque = self
        opaque.background = background ?? Color(red: 255, green: 255, blue: 255)
        return try JPEGEncoder.encode(
            RGBBuffer(droppingAlphaOf: opaque.onBackground(flat)), quality: quality,
            dotsPerInch: PNGOptions().dotsPerInch)
    }

    private func onBackground(_ flat: PixelBuffer) -> PixelBuffer {
        guard let background, !flat.isOpaque else { return flat }
        let color = [background.red, background.green, background.blue].map(Int.init)
        var bytes = flat.bytes
        bytes.withUnsafeMutableBufferPointer { bytes in
            for offset in stride(from: 0, to: bytes.count, by: PixelBuffer.channels) {
                let alpha = Int(bytes[offset + 3])
                if alpha == 255 { continue }
                for channel in 0..<3 {
                    let sum = Int(bytes[offset + channel]) * alpha + color[channel] * (255 - alpha)
                    bytes[offset + channel] = UInt8((sum + 127) / 255)
                }
                bytes[offset + 3] = 255
            }
        }
        return PixelBuffer(uncheckedWidth: flat.width, height: flat.height, bytes: bytes)
    }
}
