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

    /// What of a region must be seen of one layer, as a share of the whole.
    private static let share: Float = 0.7
    /// Visibility between these that hardly changes around a pixel is meant, and no torn edge.
    private static let softRange: ClosedRange<Float> = 0.12...0.88
    private static let softDeviation: Float = 0.08
    private static let softReach = 2
    /// Pieces of more pixels than this are no slips of a model, at 320 x 320; the limit grows with the picture.
    private static let largestSlip = 400

    /// Of each pixel, row by row.
    let owners: [Owner]

    /// - Parameters:
    ///   - stack: straight RGBA, bottom first, each of the regions' size.
    ///   - width: of a row.
    init(_ regions: FlatRegions, stack: [[UInt8]], width: Int) {
        let layers = stack.count
        var sums = [Float](repeating: 0, count: regions.count * layers)
        var areas = [Float](repeating: 0, count: regions.count)
        for (pixel, number) in regions.numbers.enumerated() where number >= 0 {
            let place = Int(number) * layers
            Self.eachVisible(stack, pixel) { layer, share in sums[place + layer] += share }
            areas[Int(number)] += 1
        }
        let winners = (0..<regions.count).map { region in
            let place = region * layers
            let most = (0..<layers).max { sums[place + $0] < sums[place + $1] } ?? 0
            return sums[place + most] > Self.share * areas[region] ? Owner(most) : Self.open
        }
        var owners = regions.numbers.enumerated().map { pixel, number in
            guard number >= 0, winners[Int(number)] >= 0 else { return Self.open }
            let winner = winners[Int(number)]
            return Self.isSoft(stack, pixel, of: Int(winner), width: width) ? Self.kept : winner
        }
        Self.keepLargePieces(&owners, stack, width: width)
        self.owners = owners
    }

    /// Leaves to the model what lies together and is more than a slip.
    private static func keepLargePieces(_ owners: inout [Owner], _ stack: [[UInt8]], width: Int) {
        let limit = max(largestSlip, largestSlip * owners.count / FlatRegions.referenceArea)
        let isOther = owners.enumerated().map { pixel, owner in owner >= 0 && owner != mostVisible(stack, pixel) }
        ConnectedPieces.forEach(of: isOther, width: width, touchesAtCorners: false) { piece in
            if piece.count > limit { for pixel in piece { owners[pixel] = kept } }
        }
    }

    private static func mostVisible(_ stack: [[UInt8]], _ pixel: Int) -> Owner {
        var best: (layer: Int, share: Float) = (0, -1)
        eachVisible(stack, pixel) { layer, share in if share > best.share { best = (layer, share) } }
        return Owner(best.layer)
    }

    /// What of a pixel is seen of each layer; the bottom one has what the others leave.
    private static func eachVisible(_ stack: [[UInt8]], _ pixel: Int, _ body: (Int, Float) -> Void) {
        var left: Float = 1
        for layer in stack.indices.dropFirst().reversed() {
            let alpha = Float(stack[layer][4 * pixel + 3]) / 255
            body(layer, left * alpha)
            left *= 1 - alpha
        }
        body(0, left)
    }

    /// What of a pixel is seen of one layer, 0 to 1.
    static func visibility(_ stack: [[UInt8]], _ pixel: Int, of layer: Int) -> Float {
        var share: Float = layer == 0 ? 1 : Float(stack[layer][4 * pixel + 3]) / 255
        for upper in stack.indices.dropFirst(layer + 1) { share *= 1 - Float(stack[upper][4 * pixel + 3]) / 255 }
        return share
    }

    private static func isSoft(_ stack: [[UInt8]], _ pixel: Int, of layer: Int, width: Int) -> Bool {
        // Most pixels are clear by themselves.
        let own = visibility(stack, pixel, of: layer)
        guard own > softRange.lowerBound - softDeviation, own < softRange.upperBound + softDeviation else {
            return false
        }
        let (x, y, height) = (pixel % width, pixel / width, stack[0].count / 4 / width)
        var (sum, squares, count): (Float, Float, Float) = (0, 0, 0)
        for row in max(0, y - softReach)...min(height - 1, y + softReach) {
            for column in max(0, x - softReach)...min(width - 1, x + softReach) {
                let value = visibility(stack, row * width + column, of: layer)
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
