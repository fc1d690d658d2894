import ImageCodecs

/// Finds how many layers a picture has in a stack that was made with room: empty ones go, those that show the same
/// thing twice become one.
enum LayerMerging {
    /// Two neighbours are one layer if their alphas overlap by this share of what both cover ...
    private static let leastOverlap = 0.85
    /// ... and their colours differ there by no more than this many levels on average.
    private static let largestDifference = 24.0

    /// The stack with empty layers left out and doubled ones merged, bottom first; at least one layer remains.
    static func merged(_ layers: [PixelBuffer]) throws(ImageError) -> [PixelBuffer] {
        var results: [PixelBuffer] = []
        for layer in layers where !layer.isEmpty {
            if let below = results.last, showsTheSame(layer, below) {
                var bytes = below.bytes
                for pixel in 0..<bytes.count / 4 { StraightPixel.put(pixel, of: layer.bytes, onto: &bytes) }
                results[results.count - 1] = try PixelBuffer(width: below.width, height: below.height, bytes: bytes)
            } else {
                results.append(layer)
            }
        }
        return results.isEmpty ? Array(layers.prefix(1)) : results
    }

    private static func showsTheSame(_ upper: PixelBuffer, _ lower: PixelBuffer) -> Bool {
        var (common, either, difference) = (0, 0, 0)
        for pixel in stride(from: 0, to: upper.bytes.count, by: 4) {
            let (first, second) = (Int(upper.bytes[pixel + 3]), Int(lower.bytes[pixel + 3]))
            let both = min(first, second)
            common += both
            either += max(first, second)
            guard both > 0 else { continue }
            for byte in pixel..<pixel + 3 {
                difference += both * abs(Int(upper.bytes[byte]) - Int(lower.bytes[byte]))
            }
        }
        return Double(common) > leastOverlap * Double(either)
            && Double(difference) < largestDifference * 3 * Double(common)
    }
}

extension PixelBuffer {
    /// True if nothing in it can be seen.
    public var isEmpty: Bool {
        bytes.withUnsafeBufferPointer { bytes in
            var most: UInt8 = 0
            for alpha in stride(from: 3, to: bytes.count, by: 4) { most |= bytes[alpha] }
            return most == 0
        }
    }
}
