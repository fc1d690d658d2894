/// The areas of a picture that are of one colour, or of colours that run into each other: what was drawn with one
/// stroke or fill of a flat picture, as far as nothing lies across it.
struct FlatRegions {
    /// Neighbours whose red, green and blue differ by no more than this are of one region: gradients run through,
    /// edges do not, soft ones of two pixels neither.
    private static let step = 4
    /// Smaller areas count for none, in pixels of a picture of 320 x 320; the limit grows with the picture.
    private static let leastArea = 4
    static let referenceArea = 320 * 320

    /// The region of each pixel, row by row, or -1 for none; regions are numbered from 0.
    let numbers: [Int32]
    /// How many there are: no more than a quarter of `referenceArea`, whatever the picture's size.
    let count: Int

    /// Of the opaque part of a picture.
    init(of picture: SmallPicture) {
        var parents = Self.joined(picture)
        var areas = [Int32](repeating: 0, count: parents.count)
        for pixel in parents.indices where picture.isOpaque(pixel) { areas[Int(parents[pixel])] += 1 }
        let scaled = (Self.leastArea * parents.count + Self.referenceArea - 1) / Self.referenceArea
        let least = max(Self.leastArea, scaled)
        var count = 0
        // From here on the number of a root that is large enough, and -1 for others.
        for pixel in areas.indices {
            areas[pixel] = Int(areas[pixel]) < least ? -1 : Int32(count)
            if areas[pixel] >= 0 { count += 1 }
        }
        for pixel in parents.indices { parents[pixel] = picture.isOpaque(pixel) ? areas[Int(parents[pixel])] : -1 }
        numbers = parents
        self.count = count
    }

    /// For each pixel the first one of its region.
    private static func joined(_ picture: SmallPicture) -> [Int32] {
        let (bytes, width) = (picture.bytes.values, picture.width)
        var parents = [Int32](repeating: 0, count: width * picture.height)
        for pixel in parents.indices { parents[pixel] = Int32(pixel) }
        parents.withUnsafeMutableBufferPointer { parents in
            for pixel in parents.indices where picture.isOpaque(pixel) {
                if pixel % width > 0, isOne(bytes, pixel, pixel - 1) { join(parents, pixel, pixel - 1) }
                if pixel >= width, isOne(bytes, pixel, pixel - width) { join(parents, pixel, pixel - width) }
            }
            for pixel in parents.indices { parents[pixel] = root(parents, Int32(pixel)) }
        }
        return parents
    }

    private static func isOne(_ bytes: UnsafePointer<UInt8>, _ pixel: Int, _ other: Int) -> Bool {
        guard bytes[4 * other + 3] == 255 else { return false }
        for channel in 0..<3 where abs(Int(bytes[4 * pixel + channel]) - Int(bytes[4 * other + channel])) > step {
            return false
        }
        return true
    }

    private static func root(_ parents: UnsafeMutableBufferPointer<Int32>, _ pixel: Int32) -> Int32 {
        var pixel = pixel
        while parents[Int(pixel)] != pixel {
            parents[Int(pixel)] = parents[Int(parents[Int(pixel)])]
            pixel = parents[Int(pixel)]
        }
        return pixel
    }

    /// The smaller number is the root, so that a scan finds it first.
    private static func join(_ parents: UnsafeMutableBufferPointer<Int32>, _ pixel: Int, _ other: Int) {
        let (first, second) = (root(parents, Int32(pixel)), root(parents, Int32(other)))
        parents[Int(max(first, second))] = min(first, second)
    }
}
