extension BlendMode {
    /// The four characters in PSD.
    var psdKey: String {
        switch self {
        case .normal: "norm"
        case .multiply: "mul "
        case .screen: "scrn"
        case .overlay: "over"
        case .darken: "dark"
        case .lighten: "lite"
        case .colorDodge: "div "
        case .colorBurn: "idiv"
        case .hardLight: "hLit"
        case .softLight: "sLit"
        case .difference: "diff"
        case .exclusion: "smud"
        case .linearDodge: "lddg"
        case .linearBurn: "lbrn"
        case .hue: "hue "
        case .saturation: "sat "
        case .color: "colr"
        case .luminosity: "lum "
        }
    }

    /// The modes by their four characters.
    static let byPSDKey: [String: BlendMode] = Dictionary(uniqueKeysWithValues: allCases.map { ($0.psdKey, $0) })
}

extension LayerGroup.Blending {
    /// The four characters of pass-through groups.
    static let passThroughKey = "pass"

    /// The four characters in PSD.
    var psdKey: String {
        switch self {
        case .passThrough: Self.passThroughKey
        case .isolated(let mode): mode.psdKey
        }
    }
}
