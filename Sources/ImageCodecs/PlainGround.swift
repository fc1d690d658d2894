/// A picture without transparent parts: what shows through is one plain colour that stands out from what is beside it.
///
/// For models that were trained on opaque pictures alone: letters on nothing become letters on a plain ground, as on a
/// poster. With the colours around instead, what is drawn would have no edges.
public enum PlainGround {
    /// Pixels of at least this alpha are something, and those of at most `clear` nothing.
    private static let something: UInt8 = 128
    private static let clear: UInt8 = 25
    /// Pixels to each side of nothing of which the colours count once more.
    private static let reach = 3
    /// Fewer of them do not.
    private static let leastBeside = 20
    /// So many of a hundred colours may be nearer to the ground than its distance says.
    private static let percent = 5
    /// White is taken if it is as far as this from the colours, in 8-bit levels of red, green and blue as one.
    private static let farEnough = 90
    private static let white = SIMD3<Int32>(255, 255, 255)

    /// The picture over its ground; itself if it is opaque. Throws `ImageError` for a size that is none.
    public static func under(_ picture: PixelBuffer) throws(ImageError) -> PixelBuffer {
        guard !picture.isOpaque else { return picture }
        let ground = color(for: picture)
        var bytes = picture.bytes
        for pixel in stride(from: 0, to: bytes.count, by: PixelBuffer.channels) {
            let alpha = Int32(bytes[pixel + 3])
            for channel in 0..<3 {
                let sum = Int32(bytes[pixel + channel]) * alpha + ground[channel] * (255 - alpha)
                bytes[pixel + channel] = UInt8((sum + 127) / 255)
            }
            bytes[pixel + 3] = 255
        }
        return try PixelBuffer(width: picture.width, height: picture.height, bytes: bytes)
    }

    /// The plain colour for a picture: white unless too much of it is nearly white, else the one of the corners and
    /// middles of the cube of colours that is the farthest. What lies inside counts as what lies beside nothing does:
    /// it would be taken for ground that one sees through a hole.
    private static func color(for picture: PixelBuffer) -> SIMD3<Int32> {
        let all = colors(of: picture, besideNothing: false)
        guard !all.isEmpty else { return white }
        let beside = colors(of: picture, besideNothing: true)
        func score(_ ground: SIMD3<Int32>) -> Int {
            let inside = distance(of: ground, from: all)
            return beside.count < leastBeside ? inside : min(inside, distance(of: ground, from: beside))
        }
        guard score(white) < farEnough else { return white }
        let levels: [Int32] = [255, 128, 0]
        var best = (color: white, score: -1)
        for red in levels {
            for green in levels {
                for blue in levels {
                    let score = score(SIMD3(red, green, blue))
                    if score > best.score { best = (SIMD3(red, green, blue), score) }
                }
            }
        }
        return best.color
    }

    private static func colors(of picture: PixelBuffer, besideNothing: Bool) -> [SIMD3<Int32>] {
        var colors: [SIMD3<Int32>] = []
        for y in 0..<picture.height {
            for x in 0..<picture.width {
                let place = (y * picture.width + x) * PixelBuffer.channels
                guard picture.bytes[place + 3] >= something else { continue }
                if besideNothing, !isBesideNothing(picture, x, y) { continue }
                colors.append(
                    SIMD3(
                        Int32(picture.bytes[place]), Int32(picture.bytes[place + 1]), Int32(picture.bytes[place + 2])))
            }
        }
        return colors
    }

    private static func isBesideNothing(_ picture: PixelBuffer, _ x: Int, _ y: Int) -> Bool {
        for row in max(0, y - reach)...min(picture.height - 1, y + reach) {
            for column in max(0, x - reach)...min(picture.width - 1, x + reach)
            where picture.bytes[(row * picture.width + column) * PixelBuffer.channels + 3] <= clear {
                return true
            }
        }
        return false
    }

    /// The distance that all but `percent` of a hundred colours keep at least.
    private static func distance(of ground: SIMD3<Int32>, from colors: [SIMD3<Int32>]) -> Int {
        // The cube's diagonal is 441.7 long.
        var counts = [Int](repeating: 0, count: 443)
        for color in colors {
            let difference = color &- ground
            counts[Int(Float((difference &* difference).wrappedSum()).squareRoot())] += 1
        }
        var left = colors.count * percent / 100
        for (distance, count) in counts.enumerated() {
            left -= count
            if left < 0 { return distance }
        }
        return 0
    }
}
