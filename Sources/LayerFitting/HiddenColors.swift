import ImageCodecs

/// The colours of layers where others hide them, of flat drawings.
///
/// A small model guesses them well, but leaves outlines and smudges there of what lay above. Behind what is narrow, as
/// letters are, and where its guess is nearly what the colours around run into, it is taken for that; else the model
/// knew something, and its guess stays.
enum HiddenColors {
    /// What must be seen of a layer for its colour to be known, as a part of a pixel.
    private static let seen: Float = 0.97
    /// What others leave of a layer must be less to be hidden, as a part of its alpha.
    private static let hidden: Float = 0.5
    /// Up to this mean difference of the largest channel, 0 to 255, the colours around are taken; from half as much
    /// again on the model's.
    private static let nearlySame: Float = 12.75
    /// The same no more than `narrow` pixels from where the layer is seen.
    private static let nearlySameNearby: Float = 102
    private static let narrow = 5
    /// The mean is of this many pixels to each side.
    private static let reach = 2
    /// With fewer pixels of a layer to see there is nothing to go by.
    private static let leastSeen = 16

    /// What it takes of memory, in bytes a pixel: colours that are seen, `FilledPicture`'s levels of floats and its
    /// result, differences, how much is seen, and what lies near.
    static let bytesAPixel = 4 + 22 + 4 + 1 + 1 + 2

    /// Smooths a stack of straight RGBA that was made from `picture`; the top layer is never hidden.
    ///
    /// - Parameter edgesToo: whether what is seen along the edges of others counts as hidden, too: for layers that grow
    ///   to a larger picture, whose edges are not these.
    /// - Throws: `ImageError` for a size that is none.
    static func smooth(
        _ stack: inout [[UInt8]], of picture: FlatPicture, edgesToo: Bool
    ) throws(ImageError) {
        let alpha = AlphaPlanes(stack, width: picture.width)
        for layer in stack.indices.dropLast() {
            try smooth(layer, of: &stack, alpha, picture, edgesToo: edgesToo)
        }
    }

    private static func smooth(
        _ layer: Int, of stack: inout [[UInt8]], _ alpha: AlphaPlanes, _ picture: FlatPicture, edgesToo: Bool
    ) throws(ImageError) {
        let (width, height) = (picture.width, picture.height)
        let shares = (0..<width * height).map { UInt8(alpha.visibility($0, of: layer) * 255) }
        var around = [UInt8](repeating: 0, count: 4 * width * height)
        var isNear = [Bool](repeating: false, count: width * height)
        var count = 0
        for pixel in shares.indices where isKnown(pixel, shares, picture) {
            for channel in 0..<4 { around[4 * pixel + channel] = picture.bytes[4 * pixel + channel] }
            isNear[pixel] = true
            count += 1
        }
        guard count >= leastSeen, count < width * height else { return }
        let filled = try FilledPicture.of(try PixelBuffer(width: width, height: height, bytes: around)).bytes
        isNear = spread(isNear, width: width, height: height)
        let differences = shares.indices.map { pixel in
            (0..<3).reduce(UInt8(0)) { most, channel in
                let (new, old) = (filled[4 * pixel + channel], stack[layer][4 * pixel + channel])
                return max(most, new > old ? new - old : old - new)
            }
        }
        for pixel in shares.indices {
            // The bottom layer is all there is below the others, whatever its alpha says.
            let most = layer == 0 ? 255 : alpha[layer, pixel]
            let isEdge = edgesToo && isNear[pixel] && around[4 * pixel + 3] == 0 && most > 0
            guard
                Float(shares[pixel]) < hidden * Float(most)
                    || isEdge && isBesideOthers(alpha, pixel, of: layer)
            else { continue }
            let difference = mean(differences, around: pixel, width: width, height: height)
            let share = min(max(3 - 2 * difference / (isNear[pixel] ? nearlySameNearby : nearlySame), 0), 1)
            for channel in 0..<3 {
                let (place, new) = (4 * pixel + channel, Float(filled[4 * pixel + channel]))
                let old = Float(stack[layer][place])
                stack[layer][place] = UInt8((old + (new - old) * share).rounded())
            }
        }
    }

    /// True for an opaque pixel of which, as of those around it, the layer is all one sees.
    private static func isKnown(_ pixel: Int, _ shares: [UInt8], _ picture: FlatPicture) -> Bool {
        guard Float(shares[pixel]) >= seen * 255 else { return false }
        let (x, y) = (pixel % picture.width, pixel / picture.width)
        for row in max(0, y - 1)...min(picture.height - 1, y + 1) {
            for column in max(0, x - 1)...min(picture.width - 1, x + 1)
            where Float(shares[row * picture.width + column]) < seen * 255 {
                return false
            }
        }
        return picture.isOpaque(pixel)
    }

    /// True if a layer above has something of a pixel or of one around it.
    private static func isBesideOthers(_ alpha: AlphaPlanes, _ pixel: Int, of layer: Int) -> Bool {
        let (x, y) = (pixel % alpha.width, pixel / alpha.width)
        for upper in layer + 1..<alpha.count {
            for row in max(0, y - 1)...min(alpha.height - 1, y + 1) {
                for column in max(0, x - 1)...min(alpha.width - 1, x + 1)
                where alpha[upper, row * alpha.width + column] > 0 {
                    return true
                }
            }
        }
        return false
    }

    /// What lies no more than `narrow` columns and rows from what is marked.
    static func spread(_ marks: [Bool], width: Int, height: Int) -> [Bool] {
        var (across, both) = (marks, marks)
        for pixel in marks.indices where marks[pixel] {
            let (x, row) = (pixel % width, pixel / width * width)
            // Only ends of runs reach anything new.
            guard x == 0 || x == width - 1 || !marks[pixel - 1] || !marks[pixel + 1] else { continue }
            for column in max(0, x - narrow)...min(width - 1, x + narrow) { across[row + column] = true }
        }
        for pixel in across.indices where across[pixel] {
            let (x, y) = (pixel % width, pixel / width)
            both[pixel] = true
            guard y == 0 || y == height - 1 || !across[pixel - width] || !across[pixel + width] else { continue }
            for row in max(0, y - narrow)...min(height - 1, y + narrow) { both[row * width + x] = true }
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
