/// One pixel of a stack while its layers are summed: premultiplied, colours 0...255, alpha 0...1.
struct CompositePixel {
    var red: Float
    var green: Float
    var blue: Float
    var alpha: Float

    static let nothing = CompositePixel(red: 0, green: 0, blue: 0, alpha: 0)

    @inline(__always)
    mutating func put(red: UInt8, green: UInt8, blue: UInt8, alpha share: Float) {
        let rest = 1 - share
        self.red = Float(red) * share + self.red * rest
        self.green = Float(green) * share + self.green * rest
        self.blue = Float(blue) * share + self.blue * rest
        alpha = share + alpha * rest
    }

    var straight: (UInt8, UInt8, UInt8, UInt8) {
        let alpha = Self.rounded(self.alpha * 255)
        if alpha == 0 { return (0, 0, 0, 0) }
        let scale = 1 / self.alpha
        return (Self.rounded(red * scale), Self.rounded(green * scale), Self.rounded(blue * scale), alpha)
    }

    var mattedOnWhite: (UInt8, UInt8, UInt8, UInt8) {
        let white = 255 * (1 - alpha)
        return (
            Self.rounded(red + white), Self.rounded(green + white), Self.rounded(blue + white),
            Self.rounded(alpha * 255)
        )
    }

    /// Sums are never far outside 0...255: rounding errors only.
    @inline(__always)
    private static func rounded(_ value: Float) -> UInt8 {
        UInt8(truncatingIfNeeded: Int32(min(max(value, 0), 255) + 0.5))
    }
}
