import TensorCore

/// Rows of queries that are computed together, and the keys that any of them sees.
struct QueryBlock {
    let queries: Range<Int>
    let keys: Range<Int>
    /// If not nil, query i sees keys up to i + causalOffset.
    let causalOffset: Int?

    /// All queries under a mask, in blocks of at most `rows`.
    static func blocks(queries: Int, keys: Int, _ mask: AttentionLayout.Mask, rows: Int) -> [QueryBlock] {
        switch mask {
        case .none:
            return split(0..<queries, rows).map { QueryBlock(queries: $0, keys: 0..<keys, causalOffset: nil) }
        case .causal(let offset):
            return split(0..<queries, rows).map {
                QueryBlock(queries: $0, keys: 0..<($0.upperBound + offset), causalOffset: offset)
            }
        case .segments(let boundaries):
            return zip(boundaries, boundaries.dropFirst()).flatMap { start, end in
                split(start..<end, rows).map { QueryBlock(queries: $0, keys: start..<end, causalOffset: nil) }
            }
        }
    }

    /// The keys that query `index` sees.
    func keys(of index: Int) -> Range<Int> {
        guard let causalOffset else { return keys }
        return keys.lowerBound..<min(index + causalOffset + 1, keys.upperBound)
    }

    private static func split(_ range: Range<Int>, _ rows: Int) -> [Range<Int>] {
        stride(from: range.lowerBound, to: range.upperBound, by: rows).map {
            $0..<min($0 + rows, range.upperBound)
        }
    }
}
