/// The areas of a picture that are of one colour, or of colours that run into each other: what was drawn with one
/// stroke or fill of a flat picture, as far as nothing lies across it.
struct FlatRegions {
    /// Neighbours of the model's size whose red, green and blue differ by no more than this are of one region:
    /// gradients run through, edges do not, soft ones of two pixels neither. A larger picture's differ by less.
    private static let step = 4
    /// Smaller areas count for none, in pixels of a picture of 320 x 320; the limit grows with the picture.
    private static let leastArea = 4
    static let referenceArea = 320 * 320

    /// The region of each pixel, row by row, or -1 for none; regions are numbered from 0.
    let numbers: [Int32]
    /// How many there are: no more than a quarter of `referenceArea`, whatever the picture's size.
    let count: Int
    /// Whether a region is nowhere two pixels wide and high: a thin line, or the blur along a straight edge.
    let isThin: [Bool]

    /// What finding them takes of memory, in bytes a pixel.
    static let bytesAPixel = 2 * MemoryLayout<Int32>.size

    /// Of the opaque part of a picture.
    init(of picture: FlatPicture) {
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
        isThin = Self.thin(parents, count: count, width: picture.width)
    }

    private static func thin(_ numbers: [Int32], count: Int, width: Int) -> [Bool] {
        var isThin = [Bool](repeating: true, count: count)
        for row in stride(from: 0, to: numbers.count - width, by: width) {
            for pixel in row..<row + width - 1 {
                let number = numbers[pixel]
                if number >= 0, numbers[pixel + 1] == number, numbers[pixel + width] == number,
                    numbers[pixel + width + 1] == number
                {
                    isThin[Int(number)] = false
                }
            }
        }
        return isThin
    }

    /// For each pixel the first one of its region.
    private static func joined(_ picture: FlatPicture) -> [Int32] {
        let (width, step) = (picture.width, max(1, Int((Double(step) / picture.scale).rounded())))
        var parents = [Int32](unsafeUninitializedCapacity: width * picture.height) { values, filled in
            filled = width * picture.height
            for pixel in 0..<filled { values[pixel] = Int32(pixel) }
        }
        picture.bytes.withUnsafeBufferPointer { bytes in
            parents.withUnsafeMutableBufferPointer { parents in
                for y in 0..<picture.height {
                    for pixel in y * width..<(y + 1) * width where bytes[4 * pixel + 3] == 255 {
                        if pixel > y * width, isOne(bytes, pixel, pixel - 1, step) { join(parents, pixel, pixel - 1) }
                        if y > 0, isOne(bytes, pixel, pixel - width, step) { join(parents, pixel, pixel - width) }
                    }
                }
                for pixel in parents.indices { parents[pixel] = root(parents, Int32(pixel)) }
            }
        }
        return parents
    }

    @inline(__always)
    private static func isOne(_ bytes: UnsafeBufferPointer<UInt8>, _ pixel: Int, _ other: Int, _ step: Int) -> Bool {
        guard bytes[4 * other + 3] == 255 else { return false }
        for channel in 0..<3 where abs(Int(bytes[4 * pixel + channel]) - Int(bytes[4 * other + channel])) > step {
            return false
        }
        return true
    }

    @inline(__always)
    private static func root(_ parents: UnsafeMutableBufferPointer<Int32>, _ pixel: Int32) -> Int32 {
        var pixel = pixel
        while parents[Int(pixel)] != pixel {
            parents[Int(pixel)] = parents[Int(parents[Int(pixel)])]
            pixel = parents[Int(pixel)]
        }
        return pixel
    }

    /// The smaller number is the root, so that a scan finds it first.
    @inline(__always)
    private static func join(_ parents: UnsafeMutableBufferPointer<Int32>, _ pixel: Int, _ other: Int) {
        let (first, second) = (root(parents, Int32(pixel)), root(parents, Int32(other)))
        if first != second { parents[Int(max(first, second))] = min(first, second) }
    }
}
