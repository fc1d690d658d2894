/// Gives regions of a flat picture to the layers that own them, and the pixels between two of them what they are a
/// mixture of.
struct RegionRepair {
    private let owners: [RegionOwners.Owner]
    private let picture: SmallPicture

    /// How far, in pixels, what a pixel is a mixture of lies at most; squared.
    private static let reachSquared = 10
    private static let reach = 3
    /// Colours nearer to each other than this, as a squared distance of bytes, tell no mixture.
    private static let leastDifference: Float = 234
    /// How far from their mixture a pixel's colour may be: squared, and as a part of their own squared difference.
    private static let looseness: (fixed: Float, share: Float) = (650, 0.05)

    /// - Parameters:
    ///   - stack: the model's layers, straight RGBA, bottom first.
    ///   - picture: what they were made from, at their size.
    init(_ stack: [[UInt8]], of picture: SmallPicture) {
        self.picture = picture
        owners = RegionOwners(FlatRegions(of: picture), stack: stack, width: picture.width).owners
    }

    /// The repaired layers take the place of the stack's.
    func apply(to stack: inout [[UInt8]]) {
        for pixel in owners.indices {
            let owner = owners[pixel]
            if owner >= 0 {
                give(pixel, to: Int(owner), picture.color(pixel), in: &stack)
            } else if owner == RegionOwners.open, let mixture = mixture(pixel) {
                give(pixel, to: mixture.lower, mixture.lowerColor, in: &stack)
                set(pixel, of: mixture.upper, mixture.upperColor, alpha: mixture.share, in: &stack)
            }
        }
    }

    /// All that is seen of a pixel is this layer's from now on.
    private func give(_ pixel: Int, to owner: Int, _ color: SIMD3<Float>, in stack: inout [[UInt8]]) {
        for upper in stack.indices.dropFirst(owner + 1) { stack[upper][4 * pixel + 3] = 0 }
        set(pixel, of: owner, color, alpha: 1, in: &stack)
    }

    private func set(_ pixel: Int, of layer: Int, _ color: SIMD3<Float>, alpha: Float, in stack: inout [[UInt8]]) {
        for channel in 0..<3 { stack[layer][4 * pixel + channel] = UInt8(color[channel]) }
        stack[layer][4 * pixel + 3] = UInt8((alpha * 255).rounded())
    }

    /// Two layers that meet at a pixel, and what of it the upper one covers.
    private struct Mixture {
        let lower: Int
        let upper: Int
        let lowerColor: SIMD3<Float>
        let upperColor: SIMD3<Float>
        let share: Float
    }

    /// What an open pixel is a mixture of: the colours of the two layers whose own pixels are the nearest; nil if there
    /// are none, or the pixel's colour does not lie between theirs.
    private func mixture(_ pixel: Int) -> Mixture? {
        guard picture.isOpaque(pixel), let (lower, upper) = nearest(pixel) else { return nil }
        let (from, to) = (picture.color(lower), picture.color(upper))
        let line = to - from
        let length = (line * line).sum()
        guard length >= Self.leastDifference else { return nil }
        let offset = picture.color(pixel) - from
        let share = min(max((offset * line).sum() / length, 0), 1)
        let rest = offset - share * line
        guard (rest * rest).sum() <= Self.looseness.fixed + Self.looseness.share * length else { return nil }
        return Mixture(
            lower: Int(owners[lower]), upper: Int(owners[upper]), lowerColor: from, upperColor: to, share: share)
    }

    /// The nearest pixels of the two nearest layers, the lower layer's first.
    private func nearest(_ pixel: Int) -> (lower: Int, upper: Int)? {
        let (x, y) = (pixel % picture.width, pixel / picture.width)
        var first: (pixel: Int, distance: Int)?
        var second: (pixel: Int, distance: Int)?
        for row in max(0, y - Self.reach)...min(picture.height - 1, y + Self.reach) {
            for column in max(0, x - Self.reach)...min(picture.width - 1, x + Self.reach) {
                let other = row * picture.width + column
                let distance = (row - y) * (row - y) + (column - x) * (column - x)
                guard owners[other] >= 0, distance <= Self.reachSquared else { continue }
                if let known = first, owners[known.pixel] == owners[other] {
                    if distance < known.distance { first = (other, distance) }
                } else if first.map({ distance < $0.distance }) ?? true {
                    second = first
                    first = (other, distance)
                } else if second.map({ distance < $0.distance }) ?? true {
                    second = (other, distance)
                }
            }
        }
        guard let first, let second else { return nil }
        return owners[first.pixel] < owners[second.pixel]
            ? (first.pixel, second.pixel) : (second.pixel, first.pixel)
    }
}
