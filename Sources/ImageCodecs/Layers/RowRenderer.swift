/// Sums the layers of a tree, a row at a time.
///
/// Belongs to one thread. Rows in between (groups, clipped runs) come from a stack that grows with the tree's depth.
struct RowRenderer<Arithmetic: RowArithmetic> {
    private typealias Row = Arithmetic.Row

    private let width: Int
    private var rows: [Row] = []
    private var used = 0

    init(width: Int) {
        self.width = width
    }

    /// Gives the memory back; the renderer is of no use afterwards.
    mutating func deallocate() {
        for row in rows { row.deallocate() }
        rows = []
    }

    /// One row of the picture, valid until the next call.
    mutating func render(_ nodes: [LayerNode], y: Int) -> UnsafePointer<Arithmetic.Pixel> {
        used = 0
        let row = take()
        draw(nodes, y, into: row)
        guard let first = row.baseAddress else { preconditionFailure("a canvas has at least one column") }
        return UnsafePointer(first)
    }

    // MARK: Nodes

    private mutating func draw(_ nodes: [LayerNode], _ y: Int, into row: Row) {
        var index = 0
        while index < nodes.count {
            let base = nodes[index]
            var end = index + 1
            while end < nodes.count, nodes[end].isClipped { end += 1 }
            if base.isVisible, base.opacity > 0 {
                if nodes[index + 1..<end].contains(where: { $0.isVisible && $0.opacity > 0 }) {
                    drawClipped(nodes[index + 1..<end], to: base, y, into: row)
                } else {
                    draw(base, y, into: row)
                }
            }
            index = end
        }
    }

    private mutating func draw(_ node: LayerNode, _ y: Int, into row: Row) {
        switch node {
        case .layer(let layer): Arithmetic.draw(layer, y, mode: layer.blendMode, keepsAlpha: false, into: row)
        case .group(let group):
            switch group.blending {
            case .passThrough: drawThrough(group, y, into: row)
            case .isolated(let mode):
                let inner = take()
                draw(group.children, y, into: inner)
                Arithmetic.draw(inner, opacity: group.opacity, mode: mode, keepsAlpha: false, into: row)
                give()
            }
        }
    }

    /// The children meet the row itself; a faint group goes part of the way.
    private mutating func drawThrough(_ group: LayerGroup, _ y: Int, into row: Row) {
        guard group.opacity < 255 else { return draw(group.children, y, into: row) }
        let before = take()
        _ = before.update(fromContentsOf: row)
        draw(group.children, y, into: row)
        Arithmetic.fade(row, from: before, opacity: group.opacity)
        give()
    }

    /// A run of nodes that show only where `base` does: together they are one picture with the base's shape, opacity
    /// and mode.
    private mutating func drawClipped(
        _ clipped: ArraySlice<LayerNode>, to base: LayerNode, _ y: Int, into row: Row
    ) {
        let shape = take()
        var mode = BlendMode.normal
        switch base {
        case .layer(var layer):
            mode = layer.blendMode
            layer.opacity = 255
            Arithmetic.draw(layer, y, mode: .normal, keepsAlpha: false, into: shape)
        case .group(let group):
            if case .isolated(let own) = group.blending { mode = own }
            draw(group.children, y, into: shape)
        }
        for node in clipped where node.isVisible && node.opacity > 0 {
            switch node {
            case .layer(let layer): Arithmetic.draw(layer, y, mode: layer.blendMode, keepsAlpha: true, into: shape)
            case .group(let group):
                let inner = take()
                draw(group.children, y, into: inner)
                var own = BlendMode.normal
                if case .isolated(let mode) = group.blending { own = mode }
                Arithmetic.draw(inner, opacity: group.opacity, mode: own, keepsAlpha: true, into: shape)
                give()
            }
        }
        Arithmetic.draw(shape, opacity: base.opacity, mode: mode, keepsAlpha: false, into: row)
        give()
    }

    // MARK: Rows

    /// A row of nothing, to be given back in the opposite order.
    private mutating func take() -> Row {
        if used == rows.count { rows.append(Row.allocate(capacity: width)) }
        used += 1
        rows[used - 1].initialize(repeating: Arithmetic.nothing)
        return rows[used - 1]
    }

    private mutating func give() { used -= 1 }
}
