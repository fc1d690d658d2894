/// A picture without transparent parts: what shows through is filled with the colours around, the nearer ones first.
///
/// Source: S. J. Gortler and others, "The Lumigraph" (1996), section 3.4, "pull-push".
public struct FilledPicture {
    /// Premultiplied colours and alpha, 0...1, four values a pixel.
    private struct Level {
        let width: Int
        let height: Int
        var values: [Float]

        init(_ width: Int, _ height: Int) {
            (self.width, self.height) = (width, height)
            values = [Float](repeating: 0, count: width * height * PixelBuffer.channels)
        }
    }

    /// White where a picture holds nothing at all.
    private static let nothing: [Float] = [1, 1, 1, 1]

    /// The picture, its alpha 255 everywhere; itself if it is so already. Throws `ImageError` for a size that is none.
    public static func of(_ picture: PixelBuffer) throws(ImageError) -> PixelBuffer {
        guard !picture.isOpaque else { return picture }
        var levels = [premultiplied(picture)]
        while let last = levels.last, last.width > 1 || last.height > 1 { levels.append(halved(last)) }
        var coarse = Level(1, 1)
        // What is left of the whole picture in one pixel has a colour, however faint it is.
        let all = levels.last?.values ?? nothing
        coarse.values = all[3] > 0 ? all.map { $0 / all[3] } : nothing
        for index in levels.indices.reversed() {
            fill(&levels[index], from: coarse)
            coarse = levels.removeLast()
        }
        let bytes = coarse.values.map { UInt8((min(max($0, 0), 1) * 255).rounded()) }
        return try PixelBuffer(width: picture.width, height: picture.height, bytes: bytes)
    }

    private static func premultiplied(_ picture: PixelBuffer) -> Level {
        var level = Level(picture.width, picture.height)
        for pixel in stride(from: 0, to: picture.bytes.count, by: PixelBuffer.channels) {
            let alpha = Float(picture.bytes[pixel + 3]) / 255
            for channel in 0..<3 { level.values[pixel + channel] = Float(picture.bytes[pixel + channel]) / 255 * alpha }
            level.values[pixel + 3] = alpha
        }
        return level
    }

    /// What is known of two by two pixels; at an odd edge of those that there are. One pixel that is known is as good
    /// as four: else colours from afar would show through beside it.
    private static func halved(_ fine: Level) -> Level {
        var coarse = Level((fine.width + 1) / 2, (fine.height + 1) / 2)
        for y in 0..<coarse.height {
            let rows = 2 * y..<min(2 * y + 2, fine.height)
            for x in 0..<coarse.width {
                var sums = SIMD4<Float>()
                for row in rows {
                    for column in 2 * x..<min(2 * x + 2, fine.width) {
                        let pixel = (row * fine.width + column) * 4
                        sums += SIMD4(
                            fine.values[pixel], fine.values[pixel + 1], fine.values[pixel + 2], fine.values[pixel + 3])
                    }
                }
                if sums[3] > 1 { sums /= sums[3] }
                for channel in 0..<4 { coarse.values[(y * coarse.width + x) * 4 + channel] = sums[channel] }
            }
        }
        return coarse
    }

    /// Lays a level over the coarser one, between whose pixels it goes linearly.
    private static func fill(_ level: inout Level, from coarse: Level) {
        for y in 0..<level.height {
            let (top, bottom, down) = neighbours(y, coarse.height)
            for x in 0..<level.width {
                let pixel = (y * level.width + x) * 4
                let rest = 1 - level.values[pixel + 3]
                guard rest > 0 else { continue }
                let (left, right, across) = neighbours(x, coarse.width)
                for channel in 0..<PixelBuffer.channels {
                    func value(_ row: Int, _ column: Int) -> Float {
                        coarse.values[(row * coarse.width + column) * 4 + channel]
                    }
                    let above = value(top, left) + (value(top, right) - value(top, left)) * across
                    let below = value(bottom, left) + (value(bottom, right) - value(bottom, left)) * across
                    level.values[pixel + channel] += rest * (above + (below - above) * down)
                }
            }
        }
    }

    /// The coarse pixels around the middle of a fine one, and how far it is from the first to the second.
    private static func neighbours(_ index: Int, _ count: Int) -> (first: Int, second: Int, share: Float) {
        let place = min(max((Float(index) + 0.5) / 2 - 0.5, 0), Float(count - 1))
        let first = Int(place)
        return (first, min(first + 1, count - 1), place - Float(first))
    }
}
