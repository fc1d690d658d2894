import ImageCodecs

/// How much there is of layers where others hide them.
enum HiddenAlpha {
    /// A pixel of which others hide less than this, as a part of it, shows how much there is of a layer.
    private static let known: Float = 0.03
    /// Of which they hide more than this it shows nothing.
    private static let hidden: Float = 0.5
    /// With fewer pixels to see there is nothing to go by.
    private static let leastKnown = 16

    /// Behind what is narrow, as letters are, a middle layer of a stack of straight RGBA goes on as it is seen around:
    /// a small model leaves holes in it there, or ghosts, of what lies above.
    ///
    /// Throws `ImageError` for a size that is none.
    static func smooth(_ stack: inout [[UInt8]], width: Int) throws(ImageError) {
        let alpha = AlphaPlanes(stack, width: width)
        for layer in stack.indices.dropFirst().dropLast() {
            let cover = (0..<alpha.pixels).map { 1 - alpha.opening($0, above: layer) }
            let values = alpha.buffer.values + layer * alpha.pixels
            let isKnown = cover.map { $0 < known }
            guard let filled = try around(isKnown, width: width, least: leastKnown, value: { values[$0] })
            else { continue }
            let isNear = HiddenColors.spread(isKnown, width: width, height: alpha.height)
            for pixel in cover.indices where cover[pixel] > hidden && isNear[pixel] {
                stack[layer][4 * pixel + 3] = edged(filled[4 * pixel])
            }
        }
    }

    /// Values that are known here and there, filled in between: [height, width, 4], in the first channel; nil if they
    /// are known at too few places.
    private static func around(
        _ isKnown: [Bool], width: Int, least: Int, value: (_ pixel: Int) -> UInt8
    ) throws(ImageError) -> [UInt8]? {
        var around = [UInt8](repeating: 0, count: 4 * isKnown.count)
        var count = 0
        for pixel in isKnown.indices where isKnown[pixel] {
            (around[4 * pixel], around[4 * pixel + 3]) = (value(pixel), 255)
            count += 1
        }
        guard count >= least else { return nil }
        let height = isKnown.count / width
        return try FilledPicture.of(try PixelBuffer(width: width, height: height, bytes: around)).bytes
    }

    /// Between nothing and something there is an edge, and no haze.
    private static func edged(_ value: UInt8) -> UInt8 { UInt8(min(max(2 * Int(value) - 127, 0), 255)) }

    /// What must be seen of the bottom layer for its alpha to be the picture's, of 255.
    private static let seen: UInt8 = 247

    /// Takes from the bottom layer of a stack of straight RGBA, which was made from `picture`, what is not there.
    ///
    /// A model of opaque pictures makes a ground everywhere. Where it is seen the picture's own alpha says how much of
    /// it there is; behind letters on nothing there is nothing either.
    ///
    /// Throws `ImageError` for a size that is none.
    static func open(_ stack: inout [[UInt8]], of picture: FlatPicture) throws(ImageError) {
        let pixels = 0..<picture.width * picture.height
        guard pixels.contains(where: { !picture.isOpaque($0) }) else { return }
        let alpha = AlphaPlanes(stack, width: picture.width)
        let isKnown = pixels.map { UInt8(alpha.visibility($0, of: 0) * 255) >= seen }
        guard
            let filled = try around(
                isKnown, width: picture.width, least: 1, value: { picture.bytes[4 * $0 + 3] })
        else { return }
        for pixel in pixels where !isKnown[pixel] {
            stack[0][4 * pixel + 3] = min(stack[0][4 * pixel + 3], edged(filled[4 * pixel]))
        }
    }
}
