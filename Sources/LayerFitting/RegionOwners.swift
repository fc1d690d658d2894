/// Which layer each pixel of a flat picture belongs to, where its region says so.
///
/// A small model leaves parts of a letter in the layer below, and of a figure in the one above. A region of one colour
/// was drawn at once, so that it is one layer's: that of which most of it is seen. What is half transparent throughout
/// stays so, if it has a colour of its own, and so do large pieces that the model clearly saw in another layer: two
/// things of nearly one colour that touch are one region too.
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
    /// That of a region of which the layer's part varies by more than this: the model hesitates from place to place,
    /// which a thing that is half transparent gives no reason for.
    private static let tornDeviation: Float = 0.2
    private static let tornShare: Float = 0.5
    /// Visibility between these that hardly changes around a pixel is meant, and no torn edge.
    private static let softRange: ClosedRange<Float> = 0.12...0.88
    private static let softDeviation: Float = 0.08
    private static let softReach = 2
    /// What is half transparent has a colour that is off the picture's by more than this in red, green or blue. Where
    /// it has not, two layers show the same, and one of them was not there.
    private static let ownColor = 30
    /// Pieces of more pixels than this are no slips of a model, at 320 x 320. The limit grows with the model's own
    /// area, and with the side of a picture above that: what is left to be mended there lies along edges.
    private static let largestSlip = 400
    /// What must be seen of the layer that a large piece is left in, on an average.
    private static let clearShare: Float = 0.8

    /// Of each pixel, row by row.
    let owners: [Owner]

    /// What finding them takes of memory, in bytes a pixel: the regions, and after them what large pieces take.
    static let bytesAPixel = max(
        FlatRegions.bytesAPixel, MemoryLayout<Owner>.size + MemoryLayout<Bool>.size + ConnectedPieces.bytesAPixel)

    /// Of a picture, whose layers have this alpha.
    ///
    /// - Parameter stack: the layers as the model made them, straight RGBA. Without them it is a second look, at layers
    ///   that have grown from mended ones: whatever was left as the model has it then stays so.
    init(of picture: FlatPicture, _ alpha: AlphaPlanes, _ stack: [[UInt8]]? = nil) {
        let regions = FlatRegions(of: picture)
        let winners = Self.winners(regions, alpha, tornShare: stack == nil ? Self.share : Self.tornShare)
        var owners = regions.numbers.enumerated().map { pixel, number in
            guard number >= 0, winners[Int(number)] >= 0 else { return Self.open }
            let winner = winners[Int(number)]
            guard Self.isSoft(alpha, pixel, of: Self.layer(winner)) else { return winner }
            if let stack, !Self.hasOwnColor(stack, alpha, pixel, besides: Self.layer(winner), picture) { return winner }
            return Self.kept
        }
        Self.keepLargePieces(
            &owners, alpha, scale: picture.scale, clearShare: stack == nil ? 0 : Self.clearShare)
        self.owners = owners
    }

    /// Of each region its owner.
    private static func winners(_ regions: FlatRegions, _ alpha: AlphaPlanes, tornShare: Float) -> [Owner] {
        let layers = alpha.count
        var sums = [Float](repeating: 0, count: regions.count * layers)
        var squares = sums
        var areas = [Float](repeating: 0, count: regions.count)
        sums.withUnsafeMutableBufferPointer { sums in
            squares.withUnsafeMutableBufferPointer { squares in
                for (pixel, number) in regions.numbers.enumerated() where number >= 0 {
                    let place = Int(number) * layers
                    alpha.forEachVisible(pixel) { layer, share in
                        sums[place + layer] += share
                        squares[place + layer] += share * share
                    }
                    areas[Int(number)] += 1
                }
            }
        }
        return (0..<regions.count).map { region in
            let place = region * layers
            let most = (0..<layers).max { sums[place + $0] < sums[place + $1] } ?? 0
            let mean = sums[place + most] / areas[region]
            let variance = squares[place + most] / areas[region] - mean * mean
            let isTorn = variance > tornDeviation * tornDeviation
            guard mean > (isTorn ? tornShare : share) else { return open }
            return Owner(most) + (regions.isThin[region] ? thin : 0)
        }
    }

    /// The layer of an owner that is one.
    static func layer(_ owner: Owner) -> Int { Int(owner < thin ? owner : owner - thin) }

    /// Leaves to the model what lies together and is more than a slip.
    private static func keepLargePieces(
        _ owners: inout [Owner], _ alpha: AlphaPlanes, scale: Double, clearShare: Float
    ) {
        let grown = Double(owners.count) / scale / Double(FlatRegions.referenceArea)
        let limit = Int(Double(largestSlip) * max(grown, 1))
        let isOther = owners.enumerated().map { pixel, owner in
            owner >= 0 && layer(owner) != alpha.mostVisible(pixel)
        }
        ConnectedPieces.forEach(of: isOther, width: alpha.width, touchesAtCorners: false) { piece in
            guard piece.count > limit else { return }
            let seen = piece.reduce(Float(0)) { sum, pixel in
                sum + alpha.visibility(Int(pixel), of: alpha.mostVisible(Int(pixel)))
            }
            if seen > clearShare * Float(piece.count) { for pixel in piece { owners[Int(pixel)] = kept } }
        }
    }

    /// Whether what is seen of another layer than this one has another colour than the picture.
    private static func hasOwnColor(
        _ stack: [[UInt8]], _ alpha: AlphaPlanes, _ pixel: Int, besides owner: Int, _ picture: FlatPicture
    ) -> Bool {
        var most: (layer: Int, share: Float) = (owner, -1)
        alpha.forEachVisible(pixel) { layer, share in
            if layer != owner, share > most.share { most = (layer, share) }
        }
        return (0..<3).contains { channel in
            let place = 4 * pixel + channel
            return abs(Int(stack[most.layer][place]) - Int(picture.bytes[place])) > ownColor
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
