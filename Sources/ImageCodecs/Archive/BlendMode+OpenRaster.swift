extension BlendMode {
    /// The `composite-op` of OpenRaster; what its specification does not have is named as Krita names it.
    var openRasterName: String {
        switch self {
        case .normal: "svg:src-over"
        case .linearDodge: "svg:plus"
        case .exclusion: "krita:exclusion"
        case .linearBurn: "krita:linear_burn"
        default: "svg:\(rawValue)"
        }
    }

    /// The modes by every name that programs write.
    static let byOpenRasterName: [String: BlendMode] = {
        var names = Dictionary(uniqueKeysWithValues: allCases.map { ($0.openRasterName, $0) })
        names["svg:exclusion"] = .exclusion
        names["svg:add"] = .linearDodge
        names["krita:add"] = .linearDodge
        names["krita:linear_dodge"] = .linearDodge
        names["krita:linear-dodge"] = .linearDodge
        return names
    }()
}
