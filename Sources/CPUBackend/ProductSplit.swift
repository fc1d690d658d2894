/// How a product's output is shared out among the workers.
struct ProductSplit {
    let rows: Int
    let columns: Int
    let splitsRows: Bool
    let parts: [Range<Int>]

    /// The longer side, one piece a worker.
    init(rows: Int, columns: Int, workers: Int) {
        self.rows = rows
        self.columns = columns
        splitsRows = rows >= columns
        let extent = splitsRows ? rows : columns
        parts = Self.pieces(of: extent, max(1, min(workers, extent / 16)))
    }

    /// Columns in panels of about `panelColumns`, the same ones for any number of workers: the bits of a result must
    /// not depend on it.
    init(rows: Int, columns: Int, panelColumns: Int) {
        self.rows = rows
        self.columns = columns
        splitsRows = false
        let widest = max(panelColumns, 16)
        parts = Self.pieces(of: columns, max(1, min((columns + widest - 1) / widest, columns / 16)))
    }

    /// The longest piece.
    var widest: Int { parts.map(\.count).max() ?? 0 }

    /// The rectangle of a piece.
    func ranges(_ part: Int) -> (rows: Range<Int>, columns: Range<Int>) {
        splitsRows ? (parts[part], 0..<columns) : (0..<rows, parts[part])
    }

    /// Whole vectors of 16 but for the last piece.
    private static func pieces(of extent: Int, _ count: Int) -> [Range<Int>] {
        let bounds = (0...count).map { $0 == count ? extent : extent * $0 / count / 16 * 16 }
        return zip(bounds, bounds.dropFirst()).map { $0..<$1 }
    }
}
