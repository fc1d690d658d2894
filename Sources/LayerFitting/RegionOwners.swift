/// Which layer each pixel of a flat picture belongs to, where its region says so.
///
/// A small model leaves parts of a letter in the layer below, and of a figure in the one above. A region of one colour
/// was drawn at once, so that it is one layer's: that of which most of it is seen. What is half transparent throughout
/// stays so, and so do large pieces that the model saw in another layer: two things of nearly one colour that touch are
/// one region too.
struct RegionOwners {
    /// Of a pixel: the layer, bottom first.
    typealias Owner = Int8
    /// No region, or one that no layer has most of.
    static let open: Owner = -1
    /// As the model has it: half transparent, or a large piece of another layer.
    static let kept: Owner = -2
    /// Added to the layer where the region is thin.
    static let thin: Owner = 64

    /// What of a region must be seen of one layer, as a share of the whole.
    private static let share: Float = 0.7
    /// Visibility between these that hardly changes around a pixel is meant, and no torn edge.
    private static let softRange: ClosedRange<Float> = 0.12...0.88
    private static let softDeviation: Float = 0.08
    private static let softReach = 2
    /// Pieces of more pixels than this are no slips of a model, at 320 x 320. The limit grows with the model's own
    /// area, and with the side of a picture above that: what is left to be mended there lies along edges.
    private static let largestSlip = 400

    /// Of each pixel, row by row.
    let owners: [Owner]

    /// What finding them takes of memory, in bytes a pixel: the regions, and after them what large pieces take.
    static let bytesAPixel = max(
        FlatRegions.bytesAPixel, MemoryLayout<Owner>.size + MemoryLayout<Bool>.size + ConnectedPieces.bytesAPixel)

    /// Of a picture, whose layers have this alpha.
    init(of picture: FlatPicture, _ alpha: AlphaPlanes) {
        var owners = Self.owners(FlatRegions(of: picture), alpha)
        Self.keepLargePieces(&owners, alpha, scale: picture.scale)
        self.owners = owners
    }

    private static func owners(_ regions: FlatRegions, _ alpha: AlphaPlanes) -> [Owner] {
        let layers = alpha.count
        var sums = [Float](repeating: 0, count: regions.count * layers)
        var areas = [Float](repeating: 0, count: regions.count)
        sums.withUnsafeMutableBufferPointer { sums in
            for (pixel, number) in regions.numbers.enumerated() where number >= 0 {
                let place = Int(number) * layers
                alpha.forEachVisible(pixel) { layer, share in sums[place + layer] += share }
                areas[Int(number)] += 1
            }
        }
        let winners = (0..<regions.count).map { region in
            let place = region * layers
            let most = (0..<layers).max { sums[place + $0] < sums[place + $1] } ?? 0
            guard sums[place + most] > share * areas[region] else { return open }
            return Owner(most) + (regions.isThin[region] ? thin : 0)
        }
        return regions.numbers.enumerated().map { pixel, number in
            guard number >= 0, winners[Int(number)] >= 0 else { return open }
            let winner = winners[Int(number)]
            return isSoft(alpha, pixel, of: layer(winner)) ? kept : winner
        }
    }

    /// The layer of an owner that is one.
    static func layer(_ owner: Owner) -> Int { Int(owner < thin ? owner : owner - thin) }

    /// Leaves to the model what lies together and is more than a slip.
    private static func keepLargePieces(_ owners: inout [Owner], _ alpha: AlphaPlanes, scale: Double) {
        let grown = Double(owners.count) / scale / Double(FlatRegions.referenceArea)
        let limit = Int(Double(largestSlip) * max(grown, 1))
        let isOther = owners.enumerated().map { pixel, owner in
            owner >= 0 && layer(owner) != alpha.mostVisible(pixel)
        }
        ConnectedPieces.forEach(of: isOther, width: alpha.width, touchesAtCorners: false) { piece in
            if piece.count > limit { for pixel in piece { owners[Int(pixel)] = kept } }
        }
    }

    private static func isSoft(_ alpha: AlphaPlanes, _ pixel: Int, of layer: Int) -> Bool {
        // Most pixels are clear by themselves.
        let own = alpha.visibility(pixel, of: layer)
        guard own > softRange.lowerBound - softDeviation, own < softRange.upperBound + softDeviation else {
            return false
        }
        let (x, y) = (pixel % alpha.width, pixel / alpha.width)
        var (sum, squares, count): (Float, Float, Float) = (0, 0, 0)
        for row in max(0, y - softReach)...min(alpha.height - 1, y + softReach) {
            for column in max(0, x - softReach)...min(alpha.width - 1, x + softReach) {
                let value = alpha.visibility(row * alpha.width + column, of: layer)
                sum += value
                squares += value * value
                count += 1
            }
        }
        let mean = sum / count
        let deviation = max(squares / count - mean * mean, 0).squareRoot()
        return softRange.contains(mean) && deviation < softDeviation
    }
}
