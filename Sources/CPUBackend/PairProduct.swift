import CKernels

/// How matrices are multiplied with AVX2 alone as integers of 16 bits, two of which make a unit (see
/// `products_avx2.c`).
///
/// The input is packed into groups of six rows, some megabytes of them at a time, slice by slice of the depth; the
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
        /// For each panel of columns [rows, 16].
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
    static let panelColumns = 16
    /// Rows of a block, of which a slice of the depth stays in the second-level cache while a span's columns pass.
    private static let blockRows = 32 * groupRows
    /// Columns of a task.
    private static let spanColumns = 4 * panelColumns
    /// Elements of a slice: a panel of them stays in the first-level cache.
    private static let sliceElements = Int(MICA_SLICE)
    /// Packed groups are at most about this large, however long the input.
    private static let packedBytes = 16 << 20
    /// Tasks for each worker, where columns and rows make as many: the last ones end unevenly.
    private static let tasksPerWorker = 4

    private var units: Int { (depth + 1) / 2 }
    private var slices: Int { (depth + Self.sliceElements - 1) / Self.sliceElements }

    /// Input rows that are packed and multiplied at once, whole blocks unless they are all.
    var rowsAtOnce: Int {
        let fitting = Self.packedBytes / max(units * 4, 1) / Self.blockRows * Self.blockRows
        return min(max(fitting, Self.blockRows), Self.wholeGroups(rows))
    }

    /// 4-byte words for packed groups.
    var packedWords: Int { rowsAtOnce * units }

    /// Scales of packed rows, one a slice.
    var rowScaleCount: Int { rowsAtOnce * slices }

    /// 4-byte words that each worker needs: a span's panels and their scales, a block's sums, a slice of a panel as
    /// floats.
    var scratchWords: Int {
        Self.spanColumns * (units + slices + Self.blockRows) + Self.panelColumns * Self.sliceElements
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

    /// Where a block's slice lies among packed groups.
    private func groupOffset(_ rows: Range<Int>, slice: Int) -> Int {
        rows.lowerBound * units + Self.wholeGroups(rows.count) * slice * (Self.sliceElements / 2)
    }

    /// Where a block's scales of a slice lie.
    private func scaleOffset(_ rows: Range<Int>, slice: Int) -> Int {
        rows.lowerBound * slices + Self.wholeGroups(rows.count) * slice
    }

    /// Packs the rows of a turn, [count, depth].
    func pack(
        _ count: Int, of source: UnsafePointer<UInt8>, into packed: UnsafeMutablePointer<UInt32>, _ workers: Workers
    ) {
        workers.run(tasks: blocks(of: count) * slices) { _, task in
            let (rows, slice) = (rows(ofBlock: task / slices, of: count), task % slices)
            let elements = elements(ofSlice: slice)
            mica_pack_pairs_u8(
                source + rows.lowerBound * depth + elements.lowerBound, depth, rows.count, elements.count,
                packed + groupOffset(rows, slice: slice))
        }
    }

    /// Packs the rows of a turn, [count, depth], as integers and their scales.
    func pack(
        _ count: Int, of source: UnsafePointer<Float>, into packed: UnsafeMutablePointer<UInt32>,
        scales: UnsafeMutablePointer<Float>, _ workers: Workers
    ) {
        workers.run(tasks: blocks(of: count) * slices) { _, task in
            let (rows, slice) = (rows(ofBlock: task / slices, of: count), task % slices)
            let elements = elements(ofSlice: slice)
            mica_pack_scaled_rows(
                source + rows.lowerBound * depth + elements.lowerBound, depth, rows.count, elements.count,
                packed + groupOffset(rows, slice: slice), scales + scaleOffset(rows, slice: slice))
        }
    }

    /// Multiplies the packed rows of a turn, and calls `finish` with the sums of all rows and columns, some at a time.
    func multiply(
        _ count: Int, _ packed: UnsafePointer<UInt32>, scales: UnsafePointer<Float>?, _ weight: Weight,
        scratch: UnsafeMutablePointer<UInt32>, _ workers: Workers, finish: (Sums) -> Void
    ) {
        let spans = (columns + Self.spanColumns - 1) / Self.spanColumns
        let blocks = blocks(of: count)
        let chunks = max(1, min(blocks, Self.tasksPerWorker * workers.count / spans))
        workers.run(tasks: spans * chunks) { worker, task in
            let first = task / chunks * Self.spanColumns
            let span = first..<min(first + Self.spanColumns, columns)
            let memory = Scratch(scratch + worker * scratchWords, spanWords: Self.spanColumns * units, slices: slices)
            pack(span, of: weight, memory)
            let chunk = task % chunks
            for block in (blocks * chunk / chunks)..<(blocks * (chunk + 1) / chunks) {
                let rows = rows(ofBlock: block, of: count)
                multiply(rows, span, packed, scales: scales, weight, memory)
                finish(Sums(base: memory.sums, rows: rows, columns: span))
            }
        }
    }

    /// What a worker works in.
    private struct Scratch {
        /// For each slice, for each panel [units, 16].
        let panels: UnsafeMutablePointer<UInt32>
        /// For each slice, of each column.
        let scales: UnsafeMutablePointer<Float>
        let sums: UnsafeMutablePointer<Float>
        let floats: UnsafeMutablePointer<Float>

        init(_ memory: UnsafeMutablePointer<UInt32>, spanWords: Int, slices: Int) {
            panels = memory
            scales = UnsafeMutableRawPointer(memory + spanWords).assumingMemoryBound(to: Float.self)
            sums = scales + slices * spanColumns
            floats = sums + blockRows * spanColumns
        }

        func panel(_ index: Int, slice: Int, units: Int) -> UnsafeMutablePointer<UInt32> {
            panels + slice * (sliceElements / 2) * spanColumns + index * panelColumns * units
        }
    }

    private func panels(of span: Range<Int>) -> Int { (span.count + Self.panelColumns - 1) / Self.panelColumns }

    /// Packs a span's columns. They come from memory, a few lines of each row at a time, so that what comes next is
    /// asked for before.
    private func pack(_ span: Range<Int>, of weight: Weight, _ memory: Scratch) {
        let steps = panels(of: span) * slices
        for step in 0..<steps {
            if case .scaled(let weightRows) = weight, step + 1 < steps {
                let next = elements(ofSlice: (step + 1) % slices)
                for column in columns(ofPanel: (step + 1) / slices, of: span) { weightRows.prefetch(column, next) }
            }
            pack(panel: step / slices, slice: step % slices, of: span, weight, memory)
        }
    }

    private func columns(ofPanel index: Int, of span: Range<Int>) -> Range<Int> {
        let first = span.lowerBound + index * Self.panelColumns
        return first..<min(first + Self.panelColumns, span.upperBound)
    }

    private func pack(panel index: Int, slice: Int, of span: Range<Int>, _ weight: Weight, _ memory: Scratch) {
        let (columns, elements) = (columns(ofPanel: index, of: span), elements(ofSlice: slice))
        let panel = memory.panel(index, slice: slice, units: (elements.count + 1) / 2)
        switch weight {
        case .integers(let integers):
            mica_pack_pairs_s8(
                integers + columns.lowerBound * depth + elements.lowerBound, depth, columns.count, elements.count,
                panel)
        case .scaled(let weightRows):
            for (place, column) in columns.enumerated() {
                weightRows.widen(column, elements, into: memory.floats + place * Self.sliceElements)
            }
            let scales = memory.scales + slice * Self.spanColumns + index * Self.panelColumns
            mica_pack_scaled_panel(
                memory.floats, Self.sliceElements, columns.count, elements.count, panel, scales)
            if let rowScales = weightRows.rowScales {
                for (place, column) in columns.enumerated() { scales[place] *= rowScales[column] }
            }
        }
    }

    /// The sums of a block's rows and a span's columns, slice by slice of the depth.
    private func multiply(
        _ rows: Range<Int>, _ span: Range<Int>, _ packed: UnsafePointer<UInt32>, scales: UnsafePointer<Float>?,
        _ weight: Weight, _ memory: Scratch
    ) {
        let groups = Self.wholeGroups(rows.count) / Self.groupRows
        for slice in 0..<slices {
            let units = (elements(ofSlice: slice).count + 1) / 2
            let input = packed + groupOffset(rows, slice: slice)
            let rowScales = scales.map { $0 + scaleOffset(rows, slice: slice) }
            for index in 0..<panels(of: span) {
                let panel = memory.panel(index, slice: slice, units: units)
                let sums = memory.sums + index * Self.blockRows * Self.panelColumns
                switch weight {
                case .integers:
                    mica_product_pairs(
                        input, groups, panel, units,
                        UnsafeMutableRawPointer(sums).assumingMemoryBound(to: Int32.self), slice > 0 ? 1 : 0)
                case .scaled:
                    mica_product_scaled_pairs(
                        input, rowScales, groups, panel,
                        memory.scales + slice * Self.spanColumns + index * Self.panelColumns, units, sums,
                        slice > 0 ? 1 : 0)
                }
            }
        }
    }
}
