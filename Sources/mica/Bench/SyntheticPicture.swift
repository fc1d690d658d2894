import ImageCodecs

/// Pictures for benchmarks, the same in every run; tools/reference_work.py draws the same ones.
enum SyntheticPicture {
    /// A layer: smooth colours and a little noise within a disc, nothing around it unless it `fills` the picture.
    static func layer(
        _ index: Int, of count: Int, size: Int, fills: Bool = false
    ) throws(ImageError) -> PixelBuffer {
        var bytes = [UInt8](repeating: 0, count: size * size * PixelBuffer.channels)
        let centre = size * (index + 1) / (count + 1)
        let radius = size / 3
        for y in 0..<size {
            for x in 0..<size {
                let distance = (x - centre) * (x - centre) + (y - size / 2) * (y - size / 2)
                guard fills || distance < radius * radius else { continue }
                let pixel = (y * size + x) * PixelBuffer.channels
                let grain = ((x &* 73_856_093) ^ (y &* 19_349_663) ^ (index &* 83_492_791)) >> 4 & 7
                bytes[pixel] = UInt8(truncatingIfNeeded: x * 255 / size + grain)
                bytes[pixel + 1] = UInt8(truncatingIfNeeded: y * 255 / size + grain)
                bytes[pixel + 2] = UInt8(truncatingIfNeeded: (x + y) * 127 / size + index * 8 + grain)
                bytes[pixel + 3] = 255
            }
        }
        return try PixelBuffer(width: size, height: size, bytes: bytes)
    }
}
