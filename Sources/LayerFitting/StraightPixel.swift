/// Single pixels of straight RGBA.
enum StraightPixel {
    /// Puts the pixel over the same pixel of another layer and empties it; `pixel` counts pixels.
    static func move(_ pixel: Int, from upper: inout [UInt8], onto lower: inout [UInt8]) {
        put(pixel, of: upper, onto: &lower)
        for byte in pixel * 4..<pixel * 4 + 4 { upper[byte] = 0 }
    }

    /// Source-over of one pixel, rounded.
    static func put(_ pixel: Int, of upper: [UInt8], onto lower: inout [UInt8]) {
        let place = pixel * 4
        let share = Float(upper[place + 3]) / 255
        let rest = Float(lower[place + 3]) / 255 * (1 - share)
        guard share > 0 else { return }
        for byte in place..<place + 3 {
            let color = (Float(upper[byte]) * share + Float(lower[byte]) * rest) / (share + rest)
            lower[byte] = UInt8(min(color + 0.5, 255))
        }
        lower[place + 3] = UInt8(min((share + rest) * 255 + 0.5, 255))
    }
}
