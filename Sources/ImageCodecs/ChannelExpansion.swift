/// From fewer or other channels to RGBA, as Pillow converts them.
enum ChannelExpansion {
    /// Opaque RGBA of one grey byte a pixel.
    static func rgba(fromGrey grey: [UInt8]) -> [UInt8] {
        var target = [UInt8](repeating: 255, count: grey.count * 4)
        grey.withUnsafeBufferPointer { source in
            target.withUnsafeMutableBufferPointer { target in
                for pixel in 0..<source.count {
                    target[pixel * 4] = source[pixel]
                    target[pixel * 4 + 1] = source[pixel]
                    target[pixel * 4 + 2] = source[pixel]
                }
            }
        }
        return target
    }

    /// CMYK (255 is full ink) to opaque RGBA, in place: `255 - k - ink * (255 - k) / 255`, rounded as Pillow does.
    static func convertCMYKToRGBA(_ pixels: inout [UInt8]) {
        pixels.withUnsafeMutableBufferPointer { pixels in
            var offset = 0
            while offset + 3 < pixels.count {
                let light = 255 - Int32(pixels[offset + 3])
                for channel in 0..<3 {
                    let product = Int32(pixels[offset + channel]) * light + 128
                    let value = light - (((product >> 8) + product) >> 8)
                    pixels[offset + channel] = UInt8(truncatingIfNeeded: min(max(value, 0), 255))
                }
                pixels[offset + 3] = 255
                offset += 4
            }
        }
    }
}
