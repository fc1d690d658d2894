/// A node of a tree as it is drawn: what nobody sees is left out, what is clipped is with what it is clipped to, and
/// each knows where on the canvas it changes anything.
///
/// A group costs what its box holds, and not the canvas: a file of a few kilobytes may have thousands of them.
struct DrawnNode: Sendable {
    enum Content: Sendable {
        case layer(ImageLayer)
        /// The children meet the row itself.
        case through([DrawnNode])
        /// The children are a picture of their own first.
        case isolated([DrawnNode])
        /// What is above shows only where the base does: together they are one picture.
        case clipped(base: [DrawnNode], above: [DrawnNode])
    }

    let content: Content
    let opacity: UInt8
    let mode: BlendMode
    /// Not empty, and within the canvas.
    let box: PixelBox

    /// The nodes of a tree, bottom first.
    static func list<Arithmetic: RowArithmetic>(of tree: LayerTree, _: Arithmetic.Type) -> [DrawnNode] {
        let canvas = PixelBox(left: 0, top: 0, right: tree.width, bottom: tree.height)
        return list(tree.nodes, canvas) { Arithmetic.box(of: $0, in: $1) }
    }

    /// Pixels of all layers and groups in them, each as large as what is in it: the work of a flat picture.
    static func pixelCount(of nodes: [DrawnNode]) -> Int {
        nodes.reduce(0) { sum, node in
            let inside =
                switch node.content {
                case .layer: 0
                case .through(let children), .isolated(let children): pixelCount(of: children)
                case .clipped(let base, let above): pixelCount(of: base) + pixelCount(of: above)
                }
            return sum + inside + node.box.width * node.box.height
        }
    }

    private typealias Box = (ImageLayer, PixelBox) -> PixelBox

    private static func list(_ nodes: [LayerNode], _ canvas: PixelBox, _ box: Box) -> [DrawnNode] {
        var list: [DrawnNode] = []
        var index = 0
        while index < nodes.count {
            let base = nodes[index]
            var end = index + 1
            while end < nodes.count, nodes[end].isClipped { end += 1 }
            if isSeen(base), let drawn = node(base, canvas, box) {
                let above = nodes[index + 1..<end].filter(isSeen).compactMap { clipped($0, canvas, box) }
                list.append(above.isEmpty ? drawn : run(drawn, above))
            }
            index = end
        }
        return list
    }

    private static func isSeen(_ node: LayerNode) -> Bool { node.isVisible && node.opacity > 0 }

    /// Nil for what has no pixel on the canvas.
    private static func node(_ node: LayerNode, _ canvas: PixelBox, _ box: Box) -> DrawnNode? {
        switch node {
        case .layer(let layer):
            let box = box(layer, canvas)
            guard box.width > 0, box.height > 0 else { return nil }
            return DrawnNode(content: .layer(layer), opacity: layer.opacity, mode: layer.blendMode, box: box)
        case .group(let group):
            let children = list(group.children, canvas, box)
            guard let box = PixelBox(around: children.map(\.box)) else { return nil }
            switch group.blending {
            case .passThrough:
                return DrawnNode(content: .through(children), opacity: group.opacity, mode: .normal, box: box)
            case .isolated(let mode):
                return DrawnNode(content: .isolated(children), opacity: group.opacity, mode: mode, box: box)
            }
        }
    }

    /// A group that is clipped does not pass through: it has to be a picture for that.
    private static func clipped(_ node: LayerNode, _ canvas: PixelBox, _ box: Box) -> DrawnNode? {
        guard let drawn = self.node(node, canvas, box) else { return nil }
        guard case .through(let children) = drawn.content else { return drawn }
        return DrawnNode(content: .isolated(children), opacity: drawn.opacity, mode: drawn.mode, box: drawn.box)
    }

    /// The base's opacity and mode are those of the whole.
    private static func run(_ base: DrawnNode, _ above: [DrawnNode]) -> DrawnNode {
        let nodes: [DrawnNode]
        switch base.content {
        case .layer(var layer):
            layer.opacity = 255
            nodes = [DrawnNode(content: .layer(layer), opacity: 255, mode: .normal, box: base.box)]
        case .through(let children), .isolated(let children): nodes = children
        case .clipped: preconditionFailure("a base is one node")
        }
        // What is above has no pixels of its own beside the base, but its rows are written there.
        let box = PixelBox(around: [base.box] + above.map(\.box)) ?? base.box
        return DrawnNode(
            content: .clipped(base: nodes, above: above), opacity: base.opacity, mode: base.mode, box: box)
    }
}
