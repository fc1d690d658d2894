import ImageCodecs

/// One layer of a picture that is split in its turn: what becomes of it is a group in its place.
public struct LayerSplit: Sendable {
    /// The picture that the layer is of.
    public let tree: LayerTree
    /// The layer's place among the tree's layers, 0 for the bottom one.
    public let index: Int
    /// What is decomposed: the layer's visible part and a little around it.
    public let picture: PixelBuffer
    /// Where on the canvas that lies.
    private let x: Int
    private let y: Int

    /// Around the visible part, as a share of its longer side.
    private static let margin = 0.04
    /// A part is made less long and narrow than this where the canvas has room.
    private static let longestAspect = 6

    /// Nil if the layer holds nothing, or there is no such layer; throws `ImageError` if its part is no picture.
    public init?(_ tree: LayerTree, index: Int) throws(ImageError) {
        let layers = tree.layers
        guard layers.indices.contains(index), let box = layers[index].visibleBox else { return nil }
        self.tree = tree
        self.index = index
        guard let part = Self.part(of: box, width: tree.width, height: tree.height) else { return nil }
        let (columns, rows) = part
        x = columns.lowerBound
        y = rows.lowerBound
        var layer = layers[index]
        layer.x -= x
        layer.y -= y
        picture = try layer.onCanvas(width: columns.count, height: rows.count)
    }

    /// What of a canvas is decomposed where `box` is a layer's visible part; nil if the layer lies outside, where
    /// nobody sees it.
    static func part(
        of box: (x: Int, y: Int, width: Int, height: Int), width: Int, height: Int
    ) -> (columns: Range<Int>, rows: Range<Int>)? {
        let margin = Int(Double(max(box.width, box.height)) * Self.margin) + 1
        func span(_ start: Int, _ length: Int, other: Int, side: Int) -> Range<Int> {
            let least = (other + 2 * margin) / Self.longestAspect
            let reach = max(margin, (least - length) / 2)
            return max(0, min(start - reach, side - 1))..<max(1, min(start + length + reach, side))
        }
        let columns = span(box.x, box.width, other: box.height, side: width)
        let rows = span(box.y, box.height, other: box.width, side: height)
        return columns.isEmpty || rows.isEmpty ? nil : (columns, rows)
    }

    /// The layer's place among its neighbours after those of the groups around it, outermost first and 1 for the
    /// bottom: `4.2`. A group counts as one, so splitting a layer renumbers no other.
    var number: String {
        var left = index
        return (Self.numbers(to: &left, in: tree.nodes) ?? []).map(String.init).joined(separator: ".")
    }

    /// Nil if the layer after `left` others is not among the nodes.
    private static func numbers(to left: inout Int, in nodes: [LayerNode]) -> [Int]? {
        for (place, node) in nodes.enumerated() {
            switch node {
            case .layer:
                left -= 1
                if left == -1 { return [place + 1] }
            case .group(let group):
                if let inner = numbers(to: &left, in: group.children) { return [place + 1] + inner }
            }
        }
        return nil
    }

    /// The tree with a group of these layers, which lie on `picture`, where the layer was.
    func tree(with parts: [ImageLayer]) throws(ImageError) -> LayerTree {
        var left = index
        let nodes = replaced(tree.nodes, with: parts, &left)
        return try LayerTree(width: tree.width, height: tree.height, nodes: nodes)
    }

    private func replaced(_ nodes: [LayerNode], with parts: [ImageLayer], _ left: inout Int) -> [LayerNode] {
        nodes.map { node in
            switch node {
            case .group(var group):
                group.children = replaced(group.children, with: parts, &left)
                return .group(group)
            case .layer(let layer):
                left -= 1
                guard left == -1 else { return node }
                let children = parts.map { part in
                    var part = part
                    part.x += x
                    part.y += y
                    return LayerNode.layer(part)
                }
                return .group(
                    LayerGroup(
                        name: layer.name, children: children, opacity: layer.opacity, isVisible: layer.isVisible,
                        blending: .isolated(layer.blendMode), isClipped: layer.isClipped))
            }
        }
    }
}

extension LayerTree {
    /// A tree of layers that each name the groups around them, outermost first: neighbours under the same name are of
    /// one group. Throws what the other initialisers throw.
    public init(width: Int, height: Int, paths: [(groups: [String], layer: ImageLayer)]) throws(ImageError) {
        for path in paths where path.groups.count > Self.maximumDepth {
            throw .countOutOfRange(
                what: "groups inside one another", count: path.groups.count, limit: Self.maximumDepth)
        }
        try self.init(width: width, height: height, nodes: Self.nodes(paths[...], depth: 0))
    }

    private static func nodes(
        _ paths: ArraySlice<(groups: [String], layer: ImageLayer)>, depth: Int
    ) -> [LayerNode] {
        var nodes: [LayerNode] = []
        var rest = paths
        while let first = rest.first {
            guard first.groups.count > depth else {
                nodes.append(.layer(first.layer))
                rest.removeFirst()
                continue
            }
            let name = first.groups[depth]
            let members = rest.prefix { $0.groups.count > depth && $0.groups[depth] == name }
            nodes.append(.group(LayerGroup(name: name, children: Self.nodes(members, depth: depth + 1))))
            rest = rest.dropFirst(members.count)
        }
        return nodes
    }

    /// Each layer, bottom first, with the names of the groups around it, outermost first.
    public var paths: [(groups: [String], layer: ImageLayer)] { Self.paths(of: nodes, inside: []) }

    private static func paths(
        of nodes: [LayerNode], inside groups: [String]
    ) -> [(groups: [String], layer: ImageLayer)] {
        nodes.flatMap { node in
            switch node {
            case .layer(let layer): [(groups, layer)]
            case .group(let group): paths(of: group.children, inside: groups + [group.name])
            }
        }
    }
}
