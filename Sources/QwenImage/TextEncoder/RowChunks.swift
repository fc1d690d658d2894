/// Ranges that cover the rows of a long sequence, so that the widest activations exist for a part of it at a time.
struct RowChunks: Sequence, IteratorProtocol {
    /// Rows of a part; enough for a matrix product to run at full speed.
    static let rowCount = 1024

    private let total: Int
    private var start = 0

    init(_ total: Int) {
        self.total = total
    }

    mutating func next() -> Range<Int>? {
        guard start < total else { return nil }
        defer { start = Swift.min(start + Self.rowCount, total) }
        return start..<Swift.min(start + Self.rowCount, total)
    }
}
