/// A picture as layers and groups of layers on a canvas: what every format with layers is made of and read into.
public struct LayerTree: Sendable, Equatable {
    /// The longest side of a canvas or a layer.
    public static let maximumSide = 300_000
    /// The most pixels of the canvas, and of all layers together.
    public static let maximumPixels = 1 << 30
    /// The most layers and groups.
    public static let maximumNodes = 8_000
    /// The most groups inside one another.
    public static let maximumDepth = 32
    /// The longest name, in UTF-8 bytes: what file systems and layered formats hold.
    public static let maximumNameByteCount = 255
    /// How far from the canvas' corner a layer may begin.
    public static let maximumOffset = 1 << 24

    /// Canvas pixels in a row.
    public let width: Int
    /// Canvas rows.
    public let height: Int
    /// What is on the canvas, bottom first.
    public let nodes: [LayerNode]

    /// A tree, checked against the limits above.
    ///
    /// Throws `ImageError`: `invalidSize`, `countOutOfRange` for too many or too deep nodes and pixels, `invalidName`
    /// for a name that is empty or too long.
    public init(width: Int, height: Int, nodes: [LayerNode]) throws(ImageError) {
        guard (1...Self.maximumSide).contains(width), (1...Self.maximumSide).contains(height) else {
            throw .invalidSize(width: width, height: height, limit: Self.maximumSide)
        }
        guard width * height <= Self.maximumPixels else {
            throw .tooManyPixels(width: width, height: height, limit: Self.maximumPixels)
        }
        self.width = width
        self.height = height
        self.nodes = nodes
        var count = LayerCount()
        try count.add(nodes, depth: 0)
    }

    /// Layers of the canvas' size over one another, as a model gives them, bottom first.
    ///
    /// Throws `ImageError.countOutOfRange` without layers, else as the other initialiser.
    public init(layers: [ImageLayer]) throws(ImageError) {
        guard let canvas = layers.first?.pixels else {
            throw .countOutOfRange(what: "layers", count: layers.count, limit: Self.maximumNodes)
        }
        try self.init(width: canvas.width, height: canvas.height, nodes: layers.map { .layer($0) })
    }

    /// All layers, bottom first, without the groups around them.
    public var layers: [ImageLayer] { nodes.flatMap(\.layers) }

    /// The text cut to what a name may have, at a character; `other` if nothing is left of it.
    public static func name(_ text: String, orElse other: String) -> String {
        var name = ""
        var byteCount = 0
        for character in text where !character.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            byteCount += character.utf8.count
            if byteCount > maximumNameByteCount { break }
            name.append(character)
        }
        return name.isEmpty ? other : name
    }
}

/// Counts nodes and pixels against the limits of a tree.
private struct LayerCount {
    private var nodes = 0
    private var pixels = 0

    mutating func add(_ list: [LayerNode], depth: Int) throws(ImageError) {
        guard depth <= LayerTree.maximumDepth else {
            throw .countOutOfRange(what: "groups inside one another", count: depth, limit: LayerTree.maximumDepth)
        }
        nodes += list.count
        guard nodes <= LayerTree.maximumNodes else {
            throw .countOutOfRange(what: "layers and groups", count: nodes, limit: LayerTree.maximumNodes)
        }
        for node in list {
            guard (1...LayerTree.maximumNameByteCount).contains(node.name.utf8.count) else {
                throw .invalidName(
                    node.name, reason: "a layer name has 1 to \(LayerTree.maximumNameByteCount) bytes")
            }
            switch node {
            case .layer(let layer): try add(layer)
            case .group(let group): try add(group.children, depth: depth + 1)
            }
        }
    }

    private mutating func add(_ layer: ImageLayer) throws(ImageError) {
        let offsets = -LayerTree.maximumOffset...LayerTree.maximumOffset
        guard offsets.contains(layer.x), offsets.contains(layer.y) else {
            throw .countOutOfRange(
                what: "pixels of offset", count: max(abs(layer.x.clamped), abs(layer.y.clamped)),
                limit: LayerTree.maximumOffset)
        }
        guard let size = layer.pixels else { return }
        guard size.width <= LayerTree.maximumSide, size.height <= LayerTree.maximumSide else {
            throw .invalidSize(width: size.width, height: size.height, limit: LayerTree.maximumSide)
        }
        pixels += size.width * size.height
        guard pixels <= LayerTree.maximumPixels else {
            throw .countOutOfRange(what: "pixels in all layers", count: pixels, limit: LayerTree.maximumPixels)
        }
    }
}

extension Int {
    /// Small enough that its magnitude can be taken.
    fileprivate var clamped: Int { Swift.max(self, -Int.max) }
}
