/// The formulas of the blend modes on bytes, in Krita's arithmetic (`ByteRows`).
enum ByteFormula {
    typealias Pixel = ByteRows.Pixel

    /// a * b / 255, rounded; one of them may be negative.
    @inline(__always)
    static func product(_ first: Int32, _ second: Int32) -> Int32 {
        let sum = first * second + 128
        return (sum + sum >> 8) >> 8
    }

    /// As above, channel by channel.
    @inline(__always)
    static func product(_ first: Pixel, _ second: Pixel) -> Pixel {
        let sum = first &* second &+ 128
        return (sum &+ sum &>> 8) &>> 8
    }

    /// A byte times the product of two others, by 255 * 255; the constants are Krita's roundings, a little off halves.
    @inline(__always)
    static func product(_ bytes: Pixel, _ pair: Int32) -> Pixel {
        ((bytes &* pair &+ 32_603) &* 129) &>> 23
    }

    /// The colour that both make where both are opaque; `w` means nothing.
    static func color(_ mode: BlendMode, _ below: Pixel, _ above: Pixel) -> Pixel {
        switch mode {
        case .normal: return above
        case .multiply: return product(below, above)
        case .screen: return below &+ above &- product(below, above)
        case .darken: return pointwiseMin(below, above)
        case .lighten: return pointwiseMax(below, above)
        case .difference: return pointwiseMax(below, above) &- pointwiseMin(below, above)
        case .exclusion:
            let both = product(below, above)
            return (below &+ above &- both &- both).clamped(lowerBound: .zero, upperBound: .full)
        case .linearDodge: return pointwiseMin(below &+ above, .full)
        case .linearBurn: return pointwiseMax(below &+ above &- .full, .zero)
        case .overlay: return each(below, above) { hardLight($1, $0) }
        case .hardLight: return each(below, above, hardLight)
        case .softLight: return each(below, above, softLight)
        case .colorDodge: return each(below, above, dodge)
        case .colorBurn: return each(below, above) { 255 - dodge(255 - $0, 255 - $1) }
        case .hue: return shares(below, above, HueFormula.television.hue)
        case .saturation: return shares(below, above, HueFormula.television.saturation)
        case .color: return shares(below, above, HueFormula.television.color)
        case .luminosity: return shares(below, above, HueFormula.television.luminosity)
        }
    }

    @inline(__always)
    private static func each(_ below: Pixel, _ above: Pixel, _ formula: (Int32, Int32) -> Int32) -> Pixel {
        Pixel(formula(below.x, above.x), formula(below.y, above.y), formula(below.z, above.z), 0)
    }

    private static func shares(
        _ below: Pixel, _ above: Pixel, _ formula: (CompositePixel, CompositePixel) -> CompositePixel
    ) -> Pixel {
        let color = formula(CompositePixel(below) / 255, CompositePixel(above) / 255) * 255
        // Before it is made a number: that must be within what one holds.
        return color.clamped(lowerBound: .zero, upperBound: .init(repeating: 255)).nearest
    }

    private static func hardLight(_ below: Int32, _ above: Int32) -> Int32 {
        guard above > 127 else { return product(2 * above, below) }
        let rest = 2 * above - 255
        return rest + below - product(rest, below)
    }

    /// By the square root alone: Krita's, and not the one of CSS, where dark colours differ.
    private static func softLight(_ below: Int32, _ above: Int32) -> Int32 {
        let (below, above) = (Float(below) / 255, Float(above) / 255)
        let bent = above > 0.5 ? below.squareRoot() - below : below - below * below
        return Int32(((below + (2 * above - 1) * bent) * 255).rounded())
    }

    private static func dodge(_ below: Int32, _ above: Int32) -> Int32 {
        if below == 0 { return 0 }
        let rest = 255 - above
        return rest == 0 ? 255 : min(255, (below * 255 + rest / 2) / rest)
    }
}

extension SIMD4<Int32> {
    fileprivate static var full: SIMD4<Int32> { SIMD4(repeating: 255) }
}
