/// How a product's output is shared out: the longer side, one piece a worker.
struct ProductSplit {
    let rows: Int
    let columns: Int
    let splitsRows: Bool
    let parts: [Range<Int>]

    init(rows: Int, columns: Int, workers: Int) {
        self.rows = rows
        self.columns = columns
        splitsRows = rows >= columns
        let extent = splitsRows ? rows : columns
        let count = max(1, min(workers, extent / 16))
        // Whole vectors of 16 but for the last piece.
        let bounds = (0...count).map { $0 == count ? extent : extent * $0 / count / 16 * 16 }
        parts = zip(bounds, bounds.dropFirst()).map { $0..<$1 }
    }

    /// The rectangle of a piece.
    func ranges(_ part: Int) -> (rows: Range<Int>, columns: Range<Int>) {
        splitsRows ? (parts[part], 0..<columns) : (0..<rows, parts[part])
    }
}
