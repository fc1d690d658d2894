/// The flat picture of a file's layers.
public struct FlatLayers: Sendable, Equatable {
    /// The picture.
    public let pixels: PixelBuffer
    /// How it was rounded, which is never `auto`.
    public let rounding: Rounding
    /// How it differs from the flat picture that the file carries; nil if it does not, or if they were not compared.
    public let difference: Difference?

    /// What is further than a level away.
    public struct Difference: Sendable, Equatable {
        /// The share of all pixels, more than 0 and at most 1.
        public let pixelShare: Double
        /// The largest difference, in levels of 255, both pictures over white.
        public let levels: Int
    }
}

extension FlatLayers.Difference: CustomStringConvertible {
    /// Such as "22 % of the pixels, by up to 61 of 255 levels".
    public var description: String {
        let percent = pixelShare * 100
        let share = percent >= 1 ? "\(Int(percent.rounded()))" : "less than 1"
        return "\(share) % of the pixels, by up to \(levels) of 255 levels"
    }
}
