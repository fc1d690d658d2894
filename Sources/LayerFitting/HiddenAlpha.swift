import ImageCodecs

/// How much there is of the bottom layer where others hide it, of pictures that one sees through in places.
///
/// A model of opaque pictures makes a ground everywhere. Where it is seen the picture's own alpha says how much of it
/// there is; behind letters on nothing there is nothing either.
enum HiddenAlpha {
    /// What must be seen of the bottom layer for its alpha to be the picture's, of 255.
    private static let seen: UInt8 = 247

    /// Takes from the bottom layer of a stack of straight RGBA, which was made from `picture`, what is not there.
    ///
    /// Throws `ImageError` for a size that is none.
    static func open(_ stack: inout [[UInt8]], of picture: FlatPicture) throws(ImageError) {
        let pixels = 0..<picture.width * picture.height
        guard pixels.contains(where: { !picture.isOpaque($0) }) else { return }
        let alpha = AlphaPlanes(stack, width: picture.width)
        var around = [UInt8](repeating: 0, count: 4 * pixels.count)
        var isKnown = false
        for pixel in pixels where UInt8(alpha.visibility(pixel, of: 0) * 255) >= seen {
            around[4 * pixel] = picture.bytes[4 * pixel + 3]
            around[4 * pixel + 3] = 255
            isKnown = true
        }
        guard isKnown else { return }
        let filled = try FilledPicture.of(
            try PixelBuffer(width: picture.width, height: picture.height, bytes: around)
        ).bytes
        for pixel in pixels where around[4 * pixel + 3] == 0 {
            // Between nothing and something there is an edge, and no haze.
            let share = min(max(2 * Int(filled[4 * pixel]) - 127, 0), 255)
            stack[0][4 * pixel + 3] = min(stack[0][4 * pixel + 3], UInt8(share))
        }
    }
}
