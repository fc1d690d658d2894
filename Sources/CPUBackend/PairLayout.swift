import CKernels

/// Where the packed operands of a `PairProduct` lie, as they are or in the seven parts of Strassen's scheme (see
/// `strassen_avx2.c`): slice by slice, the words of all parts or panels, then scales, then excesses.
struct PairLayout {
    let depth: Int
    let isStrassen: Bool

    private static let groupRows = Int(MICA_PAIR_ROWS)
    /// Columns of a panel, and from one row of its sums to the next.
    static let panelColumns = Int(MICA_PAIR_COLUMNS)
    /// Columns that are packed together: two panels, or the panels of all parts, which are made of them.
    static let spanColumns = 2 * panelColumns
    /// Words that a slice's memory is a multiple of: a line of the cache.
    private static let line = 16

    /// Elements of a slice, whose integers share a scale: a panel of them, or of half as many, stays in the first-level
    /// cache.
    var sliceElements: Int { Int(MICA_SLICE) * (isStrassen ? 2 : 1) }
    var slices: Int { (depth + sliceElements - 1) / sliceElements }
    /// Parts of packed rows.
    var parts: Int { isStrassen ? Int(MICA_STRASSEN_PARTS) : 1 }
    /// Panels of a span.
    var panels: Int { isStrassen ? parts : Self.spanColumns / Self.panelColumns }

    func elements(ofSlice index: Int) -> Range<Int> {
        (index * sliceElements)..<min((index + 1) * sliceElements, depth)
    }

    /// Rows of a part: whole groups.
    func partRows(_ rows: Int) -> Int {
        isStrassen ? mica_strassen_part_rows(rows) : (rows + Self.groupRows - 1) / Self.groupRows * Self.groupRows
    }

    /// Units of a part's row for so many elements of a slice.
    func units(_ elements: Int) -> Int { isStrassen ? mica_strassen_part_units(elements) : (elements + 3) / 4 }

    /// Words of a slice of so many rows.
    private func rowWords(_ rows: Int, elements: Int) -> Int {
        let partRows = partRows(rows)
        return rounded(parts * partRows * (2 * units(elements) + 1) + scales(rows))
    }

    private func scales(_ rows: Int) -> Int { partRows(rows) * (isStrassen ? 2 : 1) }

    /// Words of a slice of a span.
    private func spanWords(elements: Int) -> Int {
        rounded(panels * Self.panelColumns * (2 * units(elements) + 1) + Self.spanColumns)
    }

    private func rounded(_ words: Int) -> Int { (words + Self.line - 1) / Self.line * Self.line }

    private func sum(_ words: (_ elements: Int) -> Int) -> Int {
        (slices - 1) * words(sliceElements) + words(elements(ofSlice: slices - 1).count)
    }

    /// Words of all slices of so many rows.
    func rowWords(_ rows: Int) -> Int { sum { rowWords(rows, elements: $0) } }

    /// Words of all slices of a span.
    var spanWords: Int { sum { spanWords(elements: $0) } }

    /// A slice of rows that lie in `memory`.
    func rows(_ count: Int, slice index: Int, in memory: UnsafeMutablePointer<UInt32>) -> mica_pairs {
        let units = units(elements(ofSlice: index).count)
        return mica_pairs(
            in: memory + index * rowWords(count, elements: sliceElements), words: parts * partRows(count) * 2 * units,
            scales: scales(count))
    }

    /// A slice of a span that lies in `memory`.
    func span(slice index: Int, in memory: UnsafeMutablePointer<UInt32>) -> mica_pairs {
        let units = units(elements(ofSlice: index).count)
        return mica_pairs(
            in: memory + index * spanWords(elements: sliceElements), words: panels * Self.panelColumns * 2 * units,
            scales: Self.spanColumns)
    }
}

extension mica_pairs {
    /// Packed rows in memory: the words of their units, their scales and their excesses.
    init(in memory: UnsafeMutablePointer<UInt32>, words: Int, scales: Int) {
        let firstScale = UnsafeMutableRawPointer(memory + words).assumingMemoryBound(to: Float.self)
        self.init(words: memory, scales: firstScale, excesses: memory + words + scales)
    }

    /// What lies so many words and rows behind.
    func advanced(words: Int, rows: Int) -> mica_pairs {
        mica_pairs(words: self.words + words, scales: scales + rows, excesses: excesses + rows)
    }
}
