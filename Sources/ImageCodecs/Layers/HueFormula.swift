/// The blend modes that see all three colours at once, on straight colours 0...1.
///
/// Source: W3C Compositing and Blending Level 1, section 10.2.
struct HueFormula {
    /// As the specification has it.
    static let css = HueFormula(red: 0.3, green: 0.59, blue: 0.11)
    /// With the weights of television, which Krita takes.
    static let television = HueFormula(red: 0.299, green: 0.587, blue: 0.114)

    /// What each colour gives to the luminosity.
    let red: Float
    let green: Float
    let blue: Float

    func hue(_ below: CompositePixel, _ above: CompositePixel) -> CompositePixel {
        set(above.saturated(as: below), luminosityOf: below)
    }

    func saturation(_ below: CompositePixel, _ above: CompositePixel) -> CompositePixel {
        set(below.saturated(as: above), luminosityOf: below)
    }

    func color(_ below: CompositePixel, _ above: CompositePixel) -> CompositePixel {
        set(above, luminosityOf: below)
    }

    func luminosity(_ below: CompositePixel, _ above: CompositePixel) -> CompositePixel {
        set(below, luminosityOf: above)
    }

    private func luminosity(of color: CompositePixel) -> Float {
        red * color.x + green * color.y + blue * color.z
    }

    private func set(_ color: CompositePixel, luminosityOf other: CompositePixel) -> CompositePixel {
        var result = color + (luminosity(of: other) - luminosity(of: color))
        // Rounding may put a grey's outside of 0...1, and itself with it: its way back would be 0 times infinity, and
        // NaN stays black under whatever lies above.
        let middle = min(max(luminosity(of: result), 0), 1)
        let lowest = min(result.x, result.y, result.z)
        let highest = max(result.x, result.y, result.z)
        // Back into the cube, towards grey.
        if lowest < 0 { result = middle + (result - middle) * (middle / (middle - lowest)) }
        if highest > 1 { result = middle + (result - middle) * ((1 - middle) / (highest - middle)) }
        return result
    }
}

extension CompositePixel {
    /// The colour stretched to the saturation of another, its darkest channel at 0.
    fileprivate func saturated(as other: CompositePixel) -> CompositePixel {
        let lowest = Swift.min(x, y, z)
        let range = Swift.max(x, y, z) - lowest
        guard range > 0 else { return .zero }
        let saturation = Swift.max(other.x, other.y, other.z) - Swift.min(other.x, other.y, other.z)
        return (self - lowest) * (saturation / range)
    }
}
