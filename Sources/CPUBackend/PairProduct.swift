import CKernels

/// How matrices of 8 bits are multiplied with AVX2 alone (see `products_avx2.c`): as 16 bits, two of which make a unit.
///
/// The input is packed into groups of six rows, some megabytes of them at a time; the weight is packed a slice of the
/// depth of 16 rows at a time, for a block of the input. Sums are exact, whatever the number of workers.
struct PairProduct {
    let rows: Int
    let depth: Int
    let columns: Int

    private static let groupRows = Int(MICA_PAIR_ROWS)
    /// Columns of a panel, and from one row of its sums to the next.
    static let panelColumns = 16
    /// Rows of a block, of which a slice of the depth stays in the second-level cache while a span's columns pass.
    private static let blockRows = 32 * groupRows
    private static let spanColumns = 8 * panelColumns
    /// Units of a slice: a panel of them stays in the first-level cache.
    private static let sliceUnits = 128
    /// Packed groups are at most about this large, however long the input.
    private static let packedBytes = 16 << 20

    private var units: Int { (depth + 1) / 2 }

    /// Input rows that are packed and multiplied at once, whole blocks unless they are all.
    var rowsAtOnce: Int {
        let fitting = Self.packedBytes / max(units * 4, 1) / Self.blockRows * Self.blockRows
        return min(max(fitting, Self.blockRows), (rows + Self.groupRows - 1) / Self.groupRows * Self.groupRows)
    }

    /// 4-byte words for packed groups.
    var packedWords: Int { rowsAtOnce * units }

    /// 4-byte words that each worker needs: a panel, then a block's sums of a span.
    let scratchWords = panelColumns * sliceUnits + blockRows * spanColumns

    /// The rows of each turn of packing and multiplying.
    var turns: [Range<Int>] {
        stride(from: 0, to: rows, by: rowsAtOnce).map { $0..<min($0 + rowsAtOnce, rows) }
    }

    /// Packs the rows of a turn, [count, depth].
    func pack(
        _ count: Int, of source: UnsafePointer<UInt8>, into packed: UnsafeMutablePointer<UInt32>, _ workers: Workers
    ) {
        let blocks = (count + Self.blockRows - 1) / Self.blockRows
        workers.run(tasks: blocks) { _, block in
            let first = block * Self.blockRows
            mica_pack_pairs_u8(
                source + first * depth, min(Self.blockRows, count - first), depth, packed + first * units)
        }
    }

    /// Multiplies the packed rows of a turn with a weight [columns, depth], and calls `finish` with each panel's sums
    /// [rows, 16], whole.
    func multiply(
        _ count: Int, _ packed: UnsafePointer<UInt32>, _ weight: UnsafePointer<Int8>,
        scratch: UnsafeMutablePointer<UInt32>, _ workers: Workers,
        finish: (_ sums: UnsafePointer<Int32>, _ rows: Range<Int>, _ columns: Range<Int>) -> Void
    ) {
        let blocks = (count + Self.blockRows - 1) / Self.blockRows
        let spans = (columns + Self.spanColumns - 1) / Self.spanColumns
        workers.run(tasks: blocks * spans) { worker, task in
            // Of two neighbours the second reads the same rows of the weight.
            let (block, span) = (task % blocks * Self.blockRows, task / blocks * Self.spanColumns)
            let memory = scratch + worker * scratchWords
            let sums = UnsafeMutableRawPointer(memory + Self.panelColumns * Self.sliceUnits)
                .assumingMemoryBound(to: Int32.self)
            let rows = block..<min(block + Self.blockRows, count)
            let last = min(span + Self.spanColumns, columns)
            rectangle(rows, span..<last, packed, weight, panel: memory, sums)
            for column in stride(from: span, to: last, by: Self.panelColumns) {
                finish(
                    sums + (column - span) * Self.blockRows, rows, column..<min(column + Self.panelColumns, last))
            }
        }
    }

    /// The sums of some rows and columns, slice by slice of the depth.
    private func rectangle(
        _ rows: Range<Int>, _ span: Range<Int>, _ packed: UnsafePointer<UInt32>, _ weight: UnsafePointer<Int8>,
        panel: UnsafeMutablePointer<UInt32>, _ sums: UnsafeMutablePointer<Int32>
    ) {
        let groups = (rows.count + Self.groupRows - 1) / Self.groupRows
        for first in stride(from: 0, to: units, by: Self.sliceUnits) {
            let count = min(Self.sliceUnits, units - first)
            let elements = min(count * 2, depth - first * 2)
            for column in stride(from: span.lowerBound, to: span.upperBound, by: Self.panelColumns) {
                mica_pack_pairs_s8(
                    weight + column * depth + first * 2, depth, min(Self.panelColumns, span.upperBound - column),
                    elements, panel)
                mica_product_pairs(
                    packed + rows.lowerBound * units + first * Self.groupRows, units * Self.groupRows, groups, panel,
                    count, sums + (column - span.lowerBound) * Self.blockRows, first > 0 ? 1 : 0)
            }
        }
    }
}
