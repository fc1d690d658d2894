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
    mutating func render(_ nodes: [DrawnNode], y: Int) -> UnsafePointer<Arithmetic.Pixel> {
        used = 0
        let row = take(0..<width)
        draw(nodes, y, into: row)
        guard let first = row.baseAddress else { preconditionFailure("a canvas has at least one column") }
        return UnsafePointer(first)
    }

    // MARK: Nodes

    private mutating func draw(_ nodes: [DrawnNode], _ y: Int, keepsAlpha: Bool = false, into row: Row) {
        // By index: a copy of each node would count references, which all threads share.
        for index in nodes.indices where nodes[index].box.top <= y && y < nodes[index].box.bottom {
            draw(nodes[index], y, keepsAlpha, into: row)
        }
    }

    private mutating func draw(_ node: DrawnNode, _ y: Int, _ keepsAlpha: Bool, into row: Row) {
        let columns = node.box.left..<node.box.right
        switch node.content {
        case .layer(let layer): Arithmetic.draw(layer, y, mode: node.mode, keepsAlpha: keepsAlpha, into: row)
        case .through(let children):
            guard node.opacity < 255 else { return draw(children, y, into: row) }
            // A faint group goes part of the way.
            let before = take(columns)
            for x in columns { before[x] = row[x] }
            draw(children, y, into: row)
            Arithmetic.fade(row, from: before, columns, opacity: node.opacity)
            give()
        case .isolated(let children):
            let inner = take(columns)
            draw(children, y, into: inner)
            Arithmetic.draw(inner, columns, opacity: node.opacity, mode: node.mode, keepsAlpha: keepsAlpha, into: row)
            give()
        case .clipped(let base, let above):
            let shape = take(columns)
            draw(base, y, into: shape)
            draw(above, y, keepsAlpha: true, into: shape)
            Arithmetic.draw(shape, columns, opacity: node.opacity, mode: node.mode, keepsAlpha: keepsAlpha, into: row)
            give()
        }
    }

    // MARK: Rows

    /// A row with nothing in these columns, which alone are for use; to be given back in the opposite order.
    private mutating func take(_ columns: Range<Int>) -> Row {
        if used == rows.count {
            let row = Row.allocate(capacity: width)
            row.initialize(repeating: Arithmetic.nothing)
            rows.append(row)
        }
        used += 1
        Row(rebasing: rows[used - 1][columns]).update(repeating: Arithmetic.nothing)
        return rows[used - 1]
    }

    private mutating func give() { used -= 1 }
}
