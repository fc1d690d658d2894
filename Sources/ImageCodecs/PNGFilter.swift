/// The filtered rows of a PNG: for each row the filter whose result is smallest in sum, as signed bytes.
///
/// Source: PNG specification (third edition) section 9, and the heuristic of section 12.7.
struct PNGFilter {
    private let image: PixelBuffer
    private let hasAlpha: Bool
    private let clearsColor: Bool
    private let channels: Int
    private let rowBytes: Int

    init(image: PixelBuffer, hasAlpha: Bool, clearsColor: Bool) {
        self.image = image
        self.hasAlpha = hasAlpha
        self.clearsColor = clearsColor && hasAlpha
        channels = hasAlpha ? 4 : 3
        rowBytes = image.width * (hasAlpha ? 4 : 3)
    }

    /// `height` rows, each led by its filter's number.
    func run() -> [UInt8] {
        let height = image.height
        var result = [UInt8](repeating: 0, count: height * (rowBytes + 1))
        // Two rows of pixels, each with a pixel of zeros before it, then one row a filter.
        let padded = rowBytes + channels
        var scratch = [UInt8](repeating: 0, count: 2 * padded + 5 * rowBytes)
        image.bytes.withUnsafeBufferPointer { source in
            result.withUnsafeMutableBufferPointer { target in
                scratch.withUnsafeMutableBufferPointer { scratch in
                    guard let input = source.baseAddress, let output = target.baseAddress,
                        let memory = scratch.baseAddress
                    else { return }
                    var current = memory + channels
                    var above = memory + padded + channels
                    let candidates = memory + 2 * padded
                    for row in 0..<height {
                        load(input + row * image.width * 4, into: current)
                        let best = choose(current: current, above: above, candidates: candidates)
                        let rowStart = output + row * (rowBytes + 1)
                        rowStart[0] = UInt8(best)
                        (rowStart + 1).update(from: candidates + best * rowBytes, count: rowBytes)
                        swap(&current, &above)
                    }
                }
            }
        }
        return result
    }

    private func load(_ source: UnsafePointer<UInt8>, into target: UnsafeMutablePointer<UInt8>) {
        guard hasAlpha else {
            for pixel in 0..<image.width {
                target[pixel * 3] = source[pixel * 4]
                target[pixel * 3 + 1] = source[pixel * 4 + 1]
                target[pixel * 3 + 2] = source[pixel * 4 + 2]
            }
            return
        }
        target.update(from: source, count: rowBytes)
        guard clearsColor else { return }
        for pixel in 0..<image.width where target[pixel * 4 + 3] == 0 {
            target[pixel * 4] = 0
            target[pixel * 4 + 1] = 0
            target[pixel * 4 + 2] = 0
        }
    }

    /// Fills the five candidates and gives the number of the best one.
    private func choose(
        current: UnsafePointer<UInt8>, above: UnsafePointer<UInt8>, candidates: UnsafeMutablePointer<UInt8>
    ) -> Int {
        let left = current - channels
        let corner = above - channels
        let count = rowBytes
        let plain = candidates
        let sub = candidates + count
        let up = candidates + 2 * count
        let average = candidates + 3 * count
        let paeth = candidates + 4 * count
        plain.update(from: current, count: count)
        for index in 0..<count { sub[index] = current[index] &- left[index] }
        for index in 0..<count { up[index] = current[index] &- above[index] }
        for index in 0..<count {
            let sum = UInt16(left[index]) &+ UInt16(above[index])
            average[index] = current[index] &- UInt8(truncatingIfNeeded: sum >> 1)
        }
        for index in 0..<count {
            paeth[index] = current[index] &- Self.paeth(left[index], above[index], corner[index])
        }
        var best = 0
        var bestCost = UInt32.max
        for filter in 0..<5 {
            let cost = Self.cost(candidates + filter * count, count)
            if cost < bestCost {
                best = filter
                bestCost = cost
            }
        }
        return best
    }

    /// The neighbour nearest to left + above - corner; written without branches so that it runs on vectors.
    @inline(__always)
    private static func paeth(_ left: UInt8, _ above: UInt8, _ corner: UInt8) -> UInt8 {
        let (a, b, c) = (Int16(left), Int16(above), Int16(corner))
        let distanceA = abs(b &- c)
        let distanceB = abs(a &- c)
        let distanceC = abs(a &+ b &- c &- c)
        let other = distanceB <= distanceC ? b : c
        let isLeft = (distanceA <= distanceB) && (distanceA <= distanceC)
        return UInt8(truncatingIfNeeded: isLeft ? a : other)
    }

    /// The sum of the bytes' distances from 0, taken as signed.
    @inline(__always)
    private static func cost(_ row: UnsafePointer<UInt8>, _ count: Int) -> UInt32 {
        var sum: UInt32 = 0
        for index in 0..<count {
            sum &+= UInt32(min(row[index], 0 &- row[index]))
        }
        return sum
    }
}
