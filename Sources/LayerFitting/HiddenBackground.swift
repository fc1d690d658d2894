import ImageCodecs

/// The bottom layer where others hide it, of flat drawings.
///
/// A small model guesses it well, but leaves outlines there of what lay above. Behind letters and along edges, where
/// the guess is nearly what the colours around run into, it is taken for that; where it is not, and far behind large
/// things, the model's stays.
enum HiddenBackground {
    /// What counts as seen of the bottom layer, and what as hidden: parts of 1.
    private static let seen: Float = 0.97
    private static let hidden: Float = 0.5
    /// Up to this mean difference of the largest channel, 0 to 255, the colours around are taken; from twice as much
    /// on the model's.
    private static let nearlySame: Float = 12.75
    /// The mean is of this many pixels to each side.
    private static let reach = 2
    /// How far behind something, in pixels of the model, the colours around are known to run.
    private static let depth = 8
    /// With fewer pixels of the background to see there is nothing to go by.
    private static let leastSeen = 16

    /// What it takes of memory, in bytes a pixel: colours that are seen, `FilledPicture`'s levels of floats and its
    /// result, differences, how much is seen, and what lies near.
    static let bytesAPixel = 4 + 22 + 4 + 1 + 1 + 2

    /// Smooths the bottom layer of a stack of straight RGBA that was made from `picture`.
    ///
    /// Throws `ImageError` for a size that is none.
    static func smooth(_ stack: inout [[UInt8]], of picture: SmallPicture) throws(ImageError) {
        let (width, height) = (picture.width, picture.height)
        let shares = (0..<width * height).map { UInt8(RegionOwners.visibility(stack, $0, of: 0) * 255) }
        var around = [UInt8](repeating: 0, count: 4 * width * height)
        var isNear = [Bool](repeating: false, count: width * height)
        var count = 0
        for pixel in shares.indices where isKnown(pixel, shares, picture) {
            for channel in 0..<4 { around[4 * pixel + channel] = picture.bytes.values[4 * pixel + channel] }
            isNear[pixel] = true
            count += 1
        }
        guard count >= leastSeen, count < width * height else { return }
        let filled = try FilledPicture.of(try PixelBuffer(width: width, height: height, bytes: around)).bytes
        isNear = spread(isNear, width: width, height: height)
        let ground = stack[0]
        let differences = shares.indices.map { pixel in
            (0..<3).reduce(UInt8(0)) { most, channel in
                let (new, old) = (filled[4 * pixel + channel], ground[4 * pixel + channel])
                return max(most, new > old ? new - old : old - new)
            }
        }
        for pixel in shares.indices where isNear[pixel] && Float(shares[pixel]) < hidden * 255 {
            let difference = mean(differences, around: pixel, width: width, height: height)
            let share = min(max(2 - difference / nearlySame, 0), 1)
            for channel in 0..<3 {
                let (new, old) = (Float(filled[4 * pixel + channel]), Float(ground[4 * pixel + channel]))
                stack[0][4 * pixel + channel] = UInt8((old + (new - old) * share).rounded())
            }
        }
    }

    /// True for an opaque pixel of which, as of those around it, the bottom layer is all one sees.
    private static func isKnown(_ pixel: Int, _ shares: [UInt8], _ picture: SmallPicture) -> Bool {
        let (x, y) = (pixel % picture.width, pixel / picture.width)
        for row in max(0, y - 1)...min(picture.height - 1, y + 1) {
            for column in max(0, x - 1)...min(picture.width - 1, x + 1)
            where Float(shares[row * picture.width + column]) < seen * 255 {
                return false
            }
        }
        return picture.isOpaque(pixel)
    }

    /// What lies no more than `depth` columns and rows from what is marked.
    private static func spread(_ marks: [Bool], width: Int, height: Int) -> [Bool] {
        var (across, both) = (marks, marks)
        for pixel in marks.indices where marks[pixel] {
            let (x, row) = (pixel % width, pixel / width * width)
            // Only ends of runs reach anything new.
            guard x == 0 || x == width - 1 || !marks[pixel - 1] || !marks[pixel + 1] else { continue }
            for column in max(0, x - depth)...min(width - 1, x + depth) { across[row + column] = true }
        }
        for pixel in across.indices where across[pixel] {
            let (x, y) = (pixel % width, pixel / width)
            both[pixel] = true
            guard y == 0 || y == height - 1 || !across[pixel - width] || !across[pixel + width] else { continue }
            for row in max(0, y - depth)...min(height - 1, y + depth) { both[row * width + x] = true }
        }
        return both
    }

    private static func mean(_ values: [UInt8], around pixel: Int, width: Int, height: Int) -> Float {
        let (x, y) = (pixel % width, pixel / width)
        var (sum, count) = (0, 0)
        for row in max(0, y - reach)...min(height - 1, y + reach) {
            for column in max(0, x - reach)...min(width - 1, x + reach) {
                sum += Int(values[row * width + column])
                count += 1
            }
        }
        return Float(sum) / Float(count)
    }
}
