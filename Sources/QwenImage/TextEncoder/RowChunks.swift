/// Ranges that cover the rows of a long sequence, so that the widest activations exist for a part of it at a time.
struct RowChunks: Sequence, IteratorProtocol {
    private let total: Int
    private let rowsAtOnce: Int
    private var start = 0

    /// - Parameter rowsAtOnce: rows of a part, at least 1; see `Backend.rowsAtOnce`.
    init(_ total: Int, rowsAtOnce: Int) {
        self.total = total
        self.rowsAtOnce = rowsAtOnce
    }

    mutating func next() -> Range<Int>? {
        guard start < total else { return nil }
        defer { start = Swift.min(start + rowsAtOnce, total) }
        return start..<Swift.min(start + rowsAtOnce, total)
    }
}
