/// One pixel of a stack while its layers are summed: red, green, blue premultiplied and alpha, each 0...255.
typealias CompositePixel = SIMD4<Float>

extension SIMD4<Float> {
    /// Whole numbers, towards zero. Lane by lane: the standard library's conversion of vectors stays generic code,
    /// which took half of the time of writing a PSD.
    @inline(__always)
    var truncated: SIMD4<Int32> { SIMD4<Int32>(Int32(x), Int32(y), Int32(z), Int32(w)) }

    /// The nearest whole numbers, half to even.
    @inline(__always)
    var nearest: SIMD4<Int32> { rounded(.toNearestOrEven).truncated }

    /// Straight RGBA, 8 bits each; colour under alpha 0 is 0.
    @inline(__always)
    static func storeStraight(_ pixel: CompositePixel, at target: UnsafeMutablePointer<UInt8>) {
        let alpha = rounded(pixel.w)
        guard alpha > 0 else { return store(.zero, at: target) }
        var straight = pixel * (255 / pixel.w)
        straight.w = pixel.w
        store(straight, at: target)
    }

    /// Colours over white, alpha beside them.
    @inline(__always)
    static func storeMattedOnWhite(_ pixel: CompositePixel, at target: UnsafeMutablePointer<UInt8>) {
        var matted = pixel + (255 - pixel.w)
        matted.w = pixel.w
        store(matted, at: target)
    }

    @inline(__always)
    private static func store(_ pixel: CompositePixel, at target: UnsafeMutablePointer<UInt8>) {
        // Sums are never far outside 0...255: rounding errors only.
        let bytes = (pixel.clamped(lowerBound: .zero, upperBound: .init(repeating: 255)) + 0.5).truncated
        for channel in 0..<4 { target[channel] = UInt8(truncatingIfNeeded: bytes[channel]) }
    }

    @inline(__always)
    private static func rounded(_ value: Float) -> UInt8 {
        UInt8(truncatingIfNeeded: Int32(Swift.min(Swift.max(value, 0), 255) + 0.5))
    }
}
