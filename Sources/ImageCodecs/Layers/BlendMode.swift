/// How a layer's colour and the colour below become one.
///
/// Source: W3C Compositing and Blending Level 1, sections 10.1 and 10.2; the linear ones are sums, cut at black and
/// white. Raw values are the names in manifests, those of CSS where CSS has one.
public enum BlendMode: String, Sendable, Equatable, CaseIterable {
    case normal
    case multiply
    case screen
    case overlay
    case darken
    case lighten
    case colorDodge = "color-dodge"
    case colorBurn = "color-burn"
    case hardLight = "hard-light"
    case softLight = "soft-light"
    case difference
    case exclusion
    case linearDodge = "linear-dodge"
    case linearBurn = "linear-burn"
    case hue
    case saturation
    case color
    case luminosity
}
