/// A layer or a group of a tree.
public indirect enum LayerNode: Sendable, Equatable {
    /// Pixels.
    case layer(ImageLayer)
    /// Nodes under one name.
    case group(LayerGroup)

    /// The name that programs show.
    public var name: String {
        switch self {
        case .layer(let layer): layer.name
        case .group(let group): group.name
        }
    }

    /// Whether it takes part in the flat picture.
    public var isVisible: Bool {
        switch self {
        case .layer(let layer): layer.isVisible
        case .group(let group): group.isVisible
        }
    }

    /// What its alpha is multiplied by, 255 for as it is.
    public var opacity: UInt8 {
        switch self {
        case .layer(let layer): layer.opacity
        case .group(let group): group.opacity
        }
    }

    /// Whether it shows only where the nearest unclipped node below it does.
    public var isClipped: Bool {
        switch self {
        case .layer(let layer): layer.isClipped
        case .group(let group): group.isClipped
        }
    }

    /// The layers in it, bottom first, itself if it is one.
    public var layers: [ImageLayer] {
        switch self {
        case .layer(let layer): [layer]
        case .group(let group): group.children.flatMap(\.layers)
        }
    }
}
