/// Gives regions of a flat picture to the layers that own them, and the pixels between two of them what they are a
/// mixture of.
struct RegionRepair {
    /// What is to become of a pixel.
    private enum Verdict {
        /// All that is seen is this layer's.
        case owned(Int)
        case mixed(Mixture)
    }

    /// Two layers that meet at a pixel, and what of it the upper one covers.
    private struct Mixture {
        let lower: Int
        let upper: Int
        let lowerColor: SIMD3<Float>
        let upperColor: SIMD3<Float>
        let share: Float
    }

    private let owners: [RegionOwners.Owner]
    private let picture: FlatPicture
    /// Of each block of the picture the layers that own pixels of it, a bit each.
    private let blocks: [UInt32]
    private static let blockSide = 16

    /// How far, in pixels, what a pixel is a mixture of lies at most; squared.
    private static let reachSquared = 10
    private static let reach = 3
    /// Colours nearer to each other than this, as a squared distance of bytes, tell no mixture.
    private static let leastDifference: Float = 234
    /// How far from their mixture a pixel's colour may be: squared, and as a part of their own squared difference.
    private static let looseness: (fixed: Float, share: Float) = (650, 0.05)

    /// - Parameters:
    ///   - alpha: the layers'.
    ///   - picture: what they were made from, at their size.
    ///   - stack: the layers as the model made them, straight RGBA; without them it is a second look, at layers that
    ///     have grown from mended ones.
    init(_ alpha: AlphaPlanes, of picture: FlatPicture, _ stack: [[UInt8]]? = nil) {
        self.picture = picture
        owners = RegionOwners(of: picture, alpha, stack).owners
        blocks = Self.blocks(owners, width: picture.width)
    }

    private static func blocks(_ owners: [RegionOwners.Owner], width: Int) -> [UInt32] {
        let height = owners.count / width
        let columns = (width + blockSide - 1) / blockSide
        var blocks = [UInt32](repeating: 0, count: columns * ((height + blockSide - 1) / blockSide))
        for y in 0..<height {
            for x in 0..<width where owners[y * width + x] >= 0 {
                blocks[y / blockSide * columns + x / blockSide] |= 1 << RegionOwners.layer(owners[y * width + x])
            }
        }
        return blocks
    }

    /// False where less than two layers own anything of the blocks within reach: most of a picture is so.
    private func mayBeMixed(_ x: Int, _ y: Int) -> Bool {
        let (side, columns) = (Self.blockSide, (picture.width + Self.blockSide - 1) / Self.blockSide)
        var layers: UInt32 = 0
        for row in max(0, y - Self.reach) / side...min(picture.height - 1, y + Self.reach) / side {
            for column in max(0, x - Self.reach) / side...min(picture.width - 1, x + Self.reach) / side {
                layers |= blocks[row * columns + column]
            }
        }
        return layers & (layers &- 1) != 0
    }

    /// Calls `body` with each pixel of some rows of which something is known; of all of them without rows.
    private func forEach(in rows: Range<Int>? = nil, _ body: (_ pixel: Int, Verdict) -> Void) {
        let rows = rows ?? 0..<picture.height
        for pixel in rows.lowerBound * picture.width..<rows.upperBound * picture.width {
            let owner = owners[pixel]
            if isSolid(owner) {
                body(pixel, .owned(Int(owner)))
            } else if owner != RegionOwners.kept, let mixture = mixture(pixel), isBlur(owner, in: mixture) {
                body(pixel, .mixed(mixture))
            } else if owner >= 0 {
                body(pixel, .owned(RegionOwners.layer(owner)))
            }
        }
    }

    /// True unless what is thin is rather a line than the blur along an edge: at the model's size thin letters are.
    private func isBlur(_ owner: RegionOwners.Owner, in mixture: Mixture) -> Bool {
        owner == RegionOwners.open || picture.scale > 1 || RegionOwners.layer(owner) == mixture.lower
    }

    private func layer(_ pixel: Int) -> Int { RegionOwners.layer(owners[pixel]) }

    private func isSolid(_ owner: RegionOwners.Owner) -> Bool { owner >= 0 && owner < RegionOwners.thin }

    /// True if a pixel's colour is its layer's own. Blur is none of it, but at the model's size letters are thin.
    private func tells(_ owner: RegionOwners.Owner, toThin isThin: Bool) -> Bool {
        picture.scale > 1 || isThin ? isSolid(owner) : owner >= 0
    }

    /// The repaired layers, of straight RGBA, take the place of the stack's.
    func apply(to stack: inout [[UInt8]]) {
        forEach { pixel, verdict in
            switch verdict {
            case .owned(let owner): give(pixel, to: owner, picture.color(pixel), in: &stack)
            case .mixed(let mixture):
                give(pixel, to: mixture.lower, mixture.lowerColor, in: &stack)
                set(pixel, of: mixture.upper, mixture.upperColor, alpha: mixture.share, in: &stack)
            }
        }
    }

    /// The repaired alpha takes the place of what was looked at, in some rows.
    func apply(to alpha: AlphaPlanes, rows: Range<Int>) {
        forEach(in: rows) { pixel, verdict in
            switch verdict {
            case .owned(let owner): alpha.give(pixel, to: owner)
            case .mixed(let mixture):
                alpha.give(pixel, to: mixture.lower)
                alpha[mixture.upper, pixel] = UInt8((mixture.share * 255).rounded())
            }
        }
    }

    /// Gives the mixed pixels of some rows the colours that they are a mixture of, in layers, of straight RGBA, that
    /// put together are the picture: they still are it. What is left of a difference is the upper layer's as far as
    /// that goes, since a ground is looked at more closely than the edges of what lies on it.
    func settleColors(in layers: [UnsafeMutablePointer<UInt8>], rows: Range<Int>) {
        forEach(in: rows) { pixel, verdict in
            guard case .mixed(let mixture) = verdict else { return }
            let place = 4 * pixel
            let alpha = layers[mixture.upper][place + 3]
            guard layers[mixture.lower][place + 3] == 255, (1...254).contains(alpha) else { return }
            for layer in mixture.lower + 1..<layers.count where layer != mixture.upper {
                guard layers[layer][place + 3] == 0 else { return }
            }
            let share = Float(alpha) / 255
            for channel in 0..<3 {
                let wanted = Float(picture.bytes[place + channel])
                let upper = (wanted - (1 - share) * mixture.lowerColor[channel]) / share
                let rounded = min(max(upper, 0), 255).rounded()
                let isEnough = (0...255).contains(upper)
                let lower = isEnough ? mixture.lowerColor[channel] : (wanted - share * rounded) / (1 - share)
                layers[mixture.upper][place + channel] = UInt8(rounded)
                layers[mixture.lower][place + channel] = UInt8(min(max(lower, 0), 255).rounded())
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
            lower: layer(lower), upper: layer(upper), lowerColor: from, upperColor: to, share: share)
    }

    /// The nearest pixels of the two nearest layers, the lower layer's first.
    private func nearest(_ pixel: Int) -> (lower: Int, upper: Int)? {
        let (x, y) = (pixel % picture.width, pixel / picture.width)
        guard mayBeMixed(x, y) else { return nil }
        let isThin = owners[pixel] >= RegionOwners.thin
        let isInside =
            x >= Self.reach && x < picture.width - Self.reach && y >= Self.reach && y < picture.height - Self.reach
        return owners.withUnsafeBufferPointer { owners in
            var first: (pixel: Int, layer: Int)?
            for (column, row) in Self.surroundings {
                if !isInside {
                    guard x + column >= 0, x + column < picture.width else { continue }
                    guard y + row >= 0, y + row < picture.height else { continue }
                }
                let other = pixel + row * picture.width + column
                let owner = owners[other]
                guard owner >= 0, tells(owner, toThin: isThin) else { continue }
                let layer = RegionOwners.layer(owner)
                guard let known = first else {
                    first = (other, layer)
                    continue
                }
                if layer < known.layer { return (other, known.pixel) }
                if layer > known.layer { return (known.pixel, other) }
            }
            return nil
        }
    }

    /// Columns and rows to what lies within reach, the nearest first.
    private static let surroundings: [(column: Int, row: Int)] = {
        let all = (-reach...reach).flatMap { row in (-reach...reach).map { (column: $0, row: row) } }
        func distance(_ place: (column: Int, row: Int)) -> Int { place.column * place.column + place.row * place.row }
        return all.filter { distance($0) <= reachSquared }.sorted { distance($0) < distance($1) }
    }()
}
