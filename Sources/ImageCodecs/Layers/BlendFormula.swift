/// The formulas of the blend modes, on straight colours 0...1.
///
/// Source: W3C Compositing and Blending Level 1, sections 5.8, 10.1 and 10.2.
enum BlendFormula {
    typealias Row = UnsafeMutableBufferPointer<CompositePixel>

    /// Blends the pixels that `source` gives (premultiplied, 0...255) over a row.
    @inline(__always)
    static func blend(
        _ columns: Range<Int>, mode: BlendMode, keepsAlpha: Bool, into row: Row,
        _ source: (Int) -> CompositePixel
    ) {
        for x in columns {
            let color = source(x)
            if color.w <= 0 { continue }
            row[x] = composite(color, row[x], mode: mode, keepsAlpha: keepsAlpha)
        }
    }

    /// `cs`, `cb` premultiplied: where both are, the blended colour; elsewhere each alone.
    private static func composite(
        _ source: CompositePixel, _ backdrop: CompositePixel, mode: BlendMode, keepsAlpha: Bool
    ) -> CompositePixel {
        let sourceAlpha = min(source.w / 255, 1)
        let backdropAlpha = min(backdrop.w / 255, 1)
        var blended = source
        if backdropAlpha > 0 {
            let straightSource = (source / source.w).clamped(lowerBound: .zero, upperBound: .one)
            let straightBackdrop = (backdrop / backdrop.w).clamped(lowerBound: .zero, upperBound: .one)
            let mixed = color(mode, straightBackdrop, straightSource) * (255 * sourceAlpha * backdropAlpha)
            blended = keepsAlpha ? mixed : source * (1 - backdropAlpha) + mixed
        } else if keepsAlpha {
            return backdrop
        }
        var result = blended + backdrop * (1 - sourceAlpha)
        result.w = keepsAlpha ? backdrop.w : source.w + backdrop.w * (1 - sourceAlpha)
        return result
    }

    private static func color(_ mode: BlendMode, _ below: CompositePixel, _ above: CompositePixel) -> CompositePixel {
        switch mode {
        case .normal: return above
        case .multiply: return below * above
        case .screen: return below + above - below * above
        case .darken: return pointwiseMin(below, above)
        case .lighten: return pointwiseMax(below, above)
        case .difference: return pointwiseMax(below, above) - pointwiseMin(below, above)
        case .exclusion: return below + above - 2 * below * above
        case .linearDodge: return pointwiseMin(below + above, .one)
        case .linearBurn: return pointwiseMax(below + above - 1, .zero)
        case .overlay: return each(below, above) { hardLight($1, $0) }
        case .hardLight: return each(below, above, hardLight)
        case .softLight: return each(below, above, softLight)
        case .colorDodge: return each(below, above, dodge)
        case .colorBurn: return each(below, above, burn)
        case .hue: return HueFormula.css.hue(below, above)
        case .saturation: return HueFormula.css.saturation(below, above)
        case .color: return HueFormula.css.color(below, above)
        case .luminosity: return HueFormula.css.luminosity(below, above)
        }
    }

    @inline(__always)
    private static func each(
        _ below: CompositePixel, _ above: CompositePixel, _ formula: (Float, Float) -> Float
    ) -> CompositePixel {
        CompositePixel(formula(below.x, above.x), formula(below.y, above.y), formula(below.z, above.z), 1)
    }

    @inline(__always)
    private static func hardLight(_ below: Float, _ above: Float) -> Float {
        above <= 0.5 ? below * 2 * above : below + (2 * above - 1) - below * (2 * above - 1)
    }

    @inline(__always)
    private static func softLight(_ below: Float, _ above: Float) -> Float {
        if above <= 0.5 { return below - (1 - 2 * above) * below * (1 - below) }
        let bent = below <= 0.25 ? ((16 * below - 12) * below + 4) * below : below.squareRoot()
        return below + (2 * above - 1) * (bent - below)
    }

    @inline(__always)
    private static func dodge(_ below: Float, _ above: Float) -> Float {
        if below <= 0 { return 0 }
        return above >= 1 ? 1 : min(1, below / (1 - above))
    }

    @inline(__always)
    private static func burn(_ below: Float, _ above: Float) -> Float {
        if below >= 1 { return 1 }
        return above <= 0 ? 0 : 1 - min(1, (1 - below) / above)
    }
}

extension CompositePixel {
    fileprivate static var one: CompositePixel { CompositePixel(repeating: 1) }
}
