/// Nodes of a tree under one name.
public struct LayerGroup: Sendable, Equatable {
    /// How a group meets what is below it.
    public enum Blending: Sendable, Equatable {
        /// The children blend with what is below the group, as if there were no group.
        case passThrough
        /// The children blend with each other alone; their picture then meets what is below.
        case isolated(BlendMode)
    }

    /// The name that programs show, 1 to `LayerTree.maximumNameByteCount` bytes.
    public var name: String
    /// What is inside, bottom first.
    public var children: [LayerNode]
    /// How strongly the children show, 255 for as they are.
    public var opacity: UInt8
    /// Whether the children take part in the flat picture.
    public var isVisible: Bool
    /// How the children meet what is below the group.
    public var blending: Blending
    /// Whether the group shows only where the nearest unclipped node below it does.
    public var isClipped: Bool

    /// A group: opaque, visible and a picture of its own unless told otherwise.
    ///
    /// Without blend modes inside, that looks the same as passing through, and it is safer: Krita's batch mode shows
    /// nothing of a group that passes through.
    public init(
        name: String, children: [LayerNode], opacity: UInt8 = 255, isVisible: Bool = true,
        blending: Blending = .isolated(.normal), isClipped: Bool = false
    ) {
        self.name = name
        self.children = children
        self.opacity = opacity
        self.isVisible = isVisible
        self.blending = blending
        self.isClipped = isClipped
    }
}
