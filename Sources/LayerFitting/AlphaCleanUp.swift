import ImageCodecs

/// Which alpha is taken to be meant as empty or opaque, and which pieces of a layer as noise; all else stays as it is.
public struct AlphaCleanUp: Sendable, Equatable, Codable {
    /// Alpha below this becomes 0; 6 is 2 %.
    public var emptyBelow: Int
    /// Alpha above this becomes 255.
    public var opaqueAbove: Int
    /// Pieces of a layer that cover less than this many pixels of a layer of 640 x 640 (the limit grows and shrinks
    /// with the layers' own area), and lie apart from the rest of it, go to the layer below; 0 keeps all.
    public var speckArea: Int

    /// What each may be.
    public static let emptyRange = 0...64
    public static let opaqueRange = 191...255
    public static let speckRange = 0...10_000

    /// The area that `speckArea` is given for.
    private static let referenceArea = 640 * 640

    /// The usual limits unless others are given.
    public init(emptyBelow: Int = 6, opaqueAbove: Int = 250, speckArea: Int = 12) {
        precondition(
            Self.emptyRange.contains(emptyBelow) && Self.opaqueRange.contains(opaqueAbove)
                && Self.speckRange.contains(speckArea), "limits of alpha out of range")
        self.emptyBelow = emptyBelow
        self.opaqueAbove = opaqueAbove
        self.speckArea = speckArea
    }

    /// The value that an alpha is taken for.
    func cleaned(_ alpha: UInt8) -> UInt8 {
        Int(alpha) < emptyBelow ? 0 : Int(alpha) > opaqueAbove ? 255 : alpha
    }

    /// The layers with their alpha cleaned, specks moved down, and no colour where alpha is 0.
    /// - Parameters:
    ///   - picture: what they were made from, if it was drawn in regions of one colour, each of which belongs to one
    ///     layer; nil leaves regions as they are.
    ///   - isToGrow: whether they are going to be fitted to the picture.
    func cleaned(
        _ layers: [PixelBuffer], regionsOf picture: PixelBuffer?, isToGrow: Bool
    ) throws(ImageError) -> [PixelBuffer] {
        guard let first = layers.first else { return [] }
        var stack = layers.map(\.bytes)
        if let picture {
            let small = try FlatPicture(picture, width: first.width, height: first.height)
            RegionRepair(AlphaPlanes(stack, width: first.width), of: small, stack).apply(to: &stack)
            try HiddenAlpha.smooth(&stack, width: first.width)
            try HiddenColors.smooth(&stack, of: small, edgesToo: isToGrow)
            try HiddenAlpha.open(&stack, of: small)
        }
        for index in stack.indices {
            for alpha in stride(from: 3, to: stack[index].count, by: 4) {
                stack[index][alpha] = cleaned(stack[index][alpha])
            }
        }
        let limit = Double(speckArea) * Double(first.width * first.height) / Double(Self.referenceArea)
        for index in stack.indices.dropFirst().reversed() where limit > 0 {
            let specks = Specks.pixels(of: stack[index], width: first.width, below: limit)
            guard !specks.isEmpty else { continue }
            var upper = stack[index]
            for pixel in specks { StraightPixel.move(pixel, from: &upper, onto: &stack[index - 1]) }
            stack[index] = upper
        }
        var results: [PixelBuffer] = []
        for var bytes in stack {
            for pixel in stride(from: 0, to: bytes.count, by: 4) where bytes[pixel + 3] == 0 {
                (bytes[pixel], bytes[pixel + 1], bytes[pixel + 2]) = (0, 0, 0)
            }
            results.append(try PixelBuffer(width: first.width, height: first.height, bytes: bytes))
        }
        return results
    }
}
