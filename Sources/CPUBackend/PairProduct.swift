import CKernels

/// How matrices are multiplied with AVX2 alone as integers of 16 bits, four of which make a unit (see
/// `products_avx2.c`).
///
/// The input is packed into groups of two rows, some megabytes of them at a time, slice by slice of the depth; the
/// weight is packed a span of columns at a time, once for all rows of a task.
struct PairProduct {
    let rows: Int
    let depth: Int
    let columns: Int

    /// What a weight's elements become.
    enum Weight {
        /// Themselves, [columns, depth], with an input of 8 bits: sums are exact, and int32.
        case integers(UnsafePointer<Int8>)
        /// Integers with a scale for each slice of a row, as the input's; sums are float32.
        case scaled(WeightRows)
    }

    /// Sums of a block's rows and a span's columns.
    struct Sums {
        /// For each panel of columns [rows, 32].
        fileprivate let base: UnsafeMutablePointer<Float>
        /// Of the turn.
        let rows: Range<Int>
        let columns: Range<Int>

        /// Calls `body` with each panel's sums and its columns.
        func forEachPanel(_ body: (UnsafeMutablePointer<Float>, _ columns: Range<Int>) -> Void) {
            for first in stride(from: columns.lowerBound, to: columns.upperBound, by: panelColumns) {
                body(
                    base + (first - columns.lowerBound) * blockRows,
                    first..<min(first + panelColumns, columns.upperBound))
            }
        }
    }

    private static let groupRows = Int(MICA_PAIR_ROWS)
    /// Columns of a panel, and from one row of its sums to the next.
    static let panelColumns = Int(MICA_PAIR_COLUMNS)
    /// Rows of a block, of which a slice of the depth stays in the second-level cache while a span's columns pass.
    private static let blockRows = 96 * groupRows
    /// Columns of a task.
    private static let spanColumns = 2 * panelColumns
    /// Columns of a panel that are packed at once.
    static let packedColumns = Int(MICA_PACKED_COLUMNS)
    /// Elements of a slice: a panel of them stays in the first-level cache.
    private static let sliceElements = Int(MICA_SLICE)
    /// Packed groups are at most about this large, however long the input. The last shapes of PairProductTests and
    /// Int8ProductTests are larger.
    private static let packedBytes = 32 << 20
    /// Tasks for each worker, where columns and rows make as many: the last ones end unevenly.
    private static let tasksPerWorker = 4

    /// 4-byte words of a row.
    private var rowWords: Int { Self.rowWords(depth) }
    private var slices: Int { (depth + Self.sliceElements - 1) / Self.sliceElements }

    /// Units of so many elements.
    private static func units(_ elements: Int) -> Int { (elements + 3) / 4 }

    private static func rowWords(_ elements: Int) -> Int { 2 * units(elements) }

    /// Input rows that are packed and multiplied at once, whole blocks unless they are all.
    var rowsAtOnce: Int {
        let fitting = Self.packedBytes / max(rowWords * 4, 1) / Self.blockRows * Self.blockRows
        return min(max(fitting, Self.blockRows), Self.wholeGroups(rows))
    }

    /// 4-byte words for packed groups: units, and a scale and an excess a slice of each row.
    var packedWords: Int { rowsAtOnce * (rowWords + 2 * slices) }

    /// Packed groups in `packedWords` of memory.
    func groups(in memory: UnsafeMutablePointer<UInt32>) -> mica_pairs {
        mica_pairs(in: memory, words: rowsAtOnce * rowWords, rows: rowsAtOnce * slices)
    }

    /// 4-byte words that each worker needs: a span's panels, a block's sums, a slice of a panel as floats.
    var scratchWords: Int {
        Self.spanColumns * (rowWords + 2 * slices + Self.blockRows) + Self.packedColumns * Self.sliceElements
    }

    /// The rows of each turn of packing and multiplying.
    var turns: [Range<Int>] {
        stride(from: 0, to: rows, by: rowsAtOnce).map { $0..<min($0 + rowsAtOnce, rows) }
    }

    private static func wholeGroups(_ rows: Int) -> Int { (rows + groupRows - 1) / groupRows * groupRows }

    private func blocks(of count: Int) -> Int { (count + Self.blockRows - 1) / Self.blockRows }

    private func rows(ofBlock index: Int, of count: Int) -> Range<Int> {
        (index * Self.blockRows)..<min((index + 1) * Self.blockRows, count)
    }

    private func elements(ofSlice index: Int) -> Range<Int> {
        (index * Self.sliceElements)..<min((index + 1) * Self.sliceElements, depth)
    }

    /// A slice of a block of rows among packed groups.
    private func slice(_ index: Int, of rows: Range<Int>, in groups: mica_pairs) -> mica_pairs {
        let count = Self.wholeGroups(rows.count)
        return groups.advanced(
            words: rows.lowerBound * rowWords + count * index * Self.rowWords(Self.sliceElements),
            rows: rows.lowerBound * slices + count * index)
    }

    /// Packs the rows of a turn, [count, depth].
    func pack(_ count: Int, of source: UnsafePointer<UInt8>, into groups: mica_pairs, _ workers: Workers) {
        pack(count, of: source, into: groups, workers, mica_pack_pairs_u8)
    }

    /// Packs the rows of a turn, [count, depth], as integers and their scales.
    func pack(_ count: Int, of source: UnsafePointer<Float>, into groups: mica_pairs, _ workers: Workers) {
        pack(count, of: source, into: groups, workers, mica_pack_scaled_rows)
    }

    private func pack<Element>(
        _ count: Int, of source: UnsafePointer<Element>, into groups: mica_pairs, _ workers: Workers,
        _ kernel: (UnsafePointer<Element>?, _ stride: Int, _ rows: Int, _ elements: Int, mica_pairs) -> Void
    ) {
        workers.run(tasks: blocks(of: count) * slices) { _, task in
            let (rows, index) = (rows(ofBlock: task / slices, of: count), task % slices)
            let elements = elements(ofSlice: index)
            kernel(
                source + rows.lowerBound * depth + elements.lowerBound, depth, rows.count, elements.count,
                slice(index, of: rows, in: groups))
        }
    }

    /// Multiplies the packed rows of a turn, and calls `finish` with the sums of all rows and columns, some at a time.
    func multiply(
        _ count: Int, _ groups: mica_pairs, _ weight: Weight, scratch: UnsafeMutablePointer<UInt32>,
        _ workers: Workers, finish: (Sums) -> Void
    ) {
        let spans = (columns + Self.spanColumns - 1) / Self.spanColumns
        let blocks = blocks(of: count)
        let chunks = max(1, min(blocks, Self.tasksPerWorker * workers.count / spans))
        workers.run(tasks: spans * chunks) { worker, task in
            let first = task / chunks * Self.spanColumns
            let span = first..<min(first + Self.spanColumns, columns)
            let memory = Scratch(scratch + worker * scratchWords, rowWords: rowWords, slices: slices)
            pack(span, of: weight, memory)
            let chunk = task % chunks
            for block in (blocks * chunk / chunks)..<(blocks * (chunk + 1) / chunks) {
                let rows = rows(ofBlock: block, of: count)
                multiply(rows, span, groups, weight, memory)
                finish(Sums(base: memory.sums, rows: rows, columns: span))
            }
        }
    }

    /// What a worker works in.
    private struct Scratch {
        /// For each slice, for each panel.
        let panels: mica_pairs
        let sums: UnsafeMutablePointer<Float>
        let floats: UnsafeMutablePointer<Float>

        init(_ memory: UnsafeMutablePointer<UInt32>, rowWords: Int, slices: Int) {
            panels = mica_pairs(in: memory, words: spanColumns * rowWords, rows: spanColumns * slices)
            sums = UnsafeMutableRawPointer(memory + spanColumns * (rowWords + 2 * slices))
                .assumingMemoryBound(to: Float.self)
            floats = sums + blockRows * spanColumns
        }

        /// A panel of a slice of `elements`.
        func panel(_ index: Int, slice: Int, elements: Int) -> mica_pairs {
            panels.advanced(
                words: slice * rowWords(sliceElements) * spanColumns + index * panelColumns * rowWords(elements),
                rows: slice * spanColumns + index * panelColumns)
        }
    }

    private func panels(of span: Range<Int>) -> Int { (span.count + Self.panelColumns - 1) / Self.panelColumns }

    /// Packs a span's columns.
    private func pack(_ span: Range<Int>, of weight: Weight, _ memory: Scratch) {
        for index in 0..<panels(of: span) {
            let columns = columns(ofPanel: index, of: span)
            switch weight {
            case .integers(let integers):
                for slice in 0..<slices {
                    let elements = elements(ofSlice: slice)
                    mica_pack_pairs_s8(
                        integers + columns.lowerBound * depth + elements.lowerBound, depth, columns.count,
                        elements.count, memory.panel(index, slice: slice, elements: elements.count))
                }
            case .scaled(let weightRows):
                // Few at a time: their floats stay in the first-level cache.
                for place in stride(from: 0, to: Self.panelColumns, by: Self.packedColumns) {
                    let first = min(columns.lowerBound + place, columns.upperBound)
                    let some = first..<min(first + Self.packedColumns, columns.upperBound)
                    pack(some, of: weightRows, at: place, ofPanel: index, memory)
                }
            }
        }
    }

    /// Packs some columns where they begin in a panel, slice by slice. They come from memory, a few lines of each at a
    /// time, so that what comes next is asked for before.
    private func pack(
        _ columns: Range<Int>, of weightRows: WeightRows, at place: Int, ofPanel index: Int, _ memory: Scratch
    ) {
        let following = columns.upperBound..<min(columns.upperBound + Self.packedColumns, self.columns)
        for slice in 0..<slices {
            let isLast = slice + 1 == slices
            let next = elements(ofSlice: isLast ? 0 : slice + 1)
            for column in isLast ? following : columns { weightRows.prefetch(column, next) }
            let elements = elements(ofSlice: slice)
            for (row, column) in columns.enumerated() {
                weightRows.widen(column, elements, into: memory.floats + row * Self.sliceElements)
            }
            let panel = memory.panel(index, slice: slice, elements: elements.count)
                .advanced(words: place, rows: place)
            mica_pack_scaled_columns(memory.floats, Self.sliceElements, columns.count, elements.count, panel)
            guard let rowScales = weightRows.rowScales else { continue }
            for (row, column) in columns.enumerated() { panel.scales[row] *= rowScales[column] }
        }
    }

    private func columns(ofPanel index: Int, of span: Range<Int>) -> Range<Int> {
        let first = span.lowerBound + index * Self.panelColumns
        return first..<min(first + Self.panelColumns, span.upperBound)
    }

    /// The sums of a block's rows and a span's columns, slice by slice of the depth.
    private func multiply(
        _ rows: Range<Int>, _ span: Range<Int>, _ groups: mica_pairs, _ weight: Weight, _ memory: Scratch
    ) {
        let count = Self.wholeGroups(rows.count) / Self.groupRows
        for index in 0..<slices {
            let elements = elements(ofSlice: index).count
            let input = slice(index, of: rows, in: groups)
            for panelIndex in 0..<panels(of: span) {
                let panel = memory.panel(panelIndex, slice: index, elements: elements)
                let sums = memory.sums + panelIndex * Self.blockRows * Self.panelColumns
                switch weight {
                case .integers:
                    mica_product_pairs(
                        input, count, panel, Self.units(elements),
                        UnsafeMutableRawPointer(sums).assumingMemoryBound(to: Int32.self), index > 0 ? 1 : 0)
                case .scaled:
                    mica_product_scaled_pairs(input, count, panel, Self.units(elements), sums, index > 0 ? 1 : 0)
                }
            }
        }
    }
}

extension mica_pairs {
    /// Packed rows in memory: the words of their units, then a scale and an excess for each slice of a row.
    init(in memory: UnsafeMutablePointer<UInt32>, words: Int, rows: Int) {
        let scales = UnsafeMutableRawPointer(memory + words).assumingMemoryBound(to: Float.self)
        self.init(words: memory, scales: scales, excesses: memory + words + rows)
    }

    /// What lies so many words and rows behind.
    func advanced(words: Int, rows: Int) -> mica_pairs {
        mica_pairs(words: self.words + words, scales: scales + rows, excesses: excesses + rows)
    }
}
