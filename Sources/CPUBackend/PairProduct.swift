import CKernels

/// How matrices are multiplied as integers of 16 bits, four of which make a unit (see
/// `products_avx2.c`), by Strassen's scheme where there are rows enough.
///
/// The input is packed into groups of two rows, some megabytes of them at a time, slice by slice of the depth; the
/// weight is packed a span of columns at a time, once for all rows of a task.
struct PairProduct {
    let rows: Int
    let depth: Int
    let columns: Int
    let kernels: PairKernels

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
            for first in stride(from: columns.lowerBound, to: columns.upperBound, by: PairLayout.panelColumns) {
                body(
                    base + (first - columns.lowerBound) * blockRows,
                    first..<min(first + PairLayout.panelColumns, columns.upperBound))
            }
        }
    }

    /// Rows of a block, of which a slice of the depth stays in the second-level cache while a span's columns pass.
    static let blockRows = 192
    /// Columns of a panel that are packed at once.
    static let packedColumns = Int(MICA_PACKED_COLUMNS)
    /// Packed groups are at most about this large, however long the input; PairProductTests and Int8ProductTests have
    /// larger ones.
    private static let packedBytes = 48 << 20
    /// Tasks for each worker, where columns and rows make as many: the last ones end unevenly.
    private static let tasksPerWorker = 4
    /// Rows from which on an eighth of the products is worth packing seven parts for four blocks of a weight.
    private static let strassenRows = 128

    /// By Strassen's scheme unless halves of rows, depth or columns would be few.
    var layout: PairLayout {
        PairLayout(
            depth: depth,
            isStrassen: rows >= Self.strassenRows && depth >= 2 * Int(MICA_SLICE)
                && columns > PairLayout.panelColumns)
    }

    /// Input rows that are packed and multiplied at once, whole blocks unless they are all.
    var rowsAtOnce: Int {
        let fitting = Self.packedBytes / (layout.rowWords(Self.blockRows) * 4) * Self.blockRows
        return min(max(fitting, Self.blockRows), rows)
    }

    /// 4-byte words for packed groups.
    var packedWords: Int {
        let (whole, rest) = rowsAtOnce.quotientAndRemainder(dividingBy: Self.blockRows)
        return whole * layout.rowWords(Self.blockRows) + (rest > 0 ? layout.rowWords(rest) : 0)
    }

    /// 4-byte words that each worker needs: a span's panels; a block's sums, as floats and as integers; a slice of a
    /// column as floats, and of some columns as integers.
    var scratchWords: Int { layout.spanWords + 2 * Self.sumWords + Self.floatWords + Self.integerWords }

    private static let sumWords = blockRows * PairLayout.spanColumns
    private static let floatWords = packedColumns * Int(MICA_SLICE)
    private static let integerWords = packedColumns * 2 * Int(MICA_SLICE)

    /// The rows of each turn of packing and multiplying.
    var turns: [Range<Int>] {
        stride(from: 0, to: rows, by: rowsAtOnce).map { $0..<min($0 + rowsAtOnce, rows) }
    }

    private func blocks(of count: Int) -> Int { (count + Self.blockRows - 1) / Self.blockRows }

    private func rows(ofBlock index: Int, of count: Int) -> Range<Int> {
        (index * Self.blockRows)..<min((index + 1) * Self.blockRows, count)
    }

    /// A slice of a block of rows among packed groups.
    private func slice(
        _ index: Int, ofBlock block: Int, _ rows: Range<Int>, in groups: UnsafeMutablePointer<UInt32>
    ) -> mica_pairs {
        layout.rows(rows.count, slice: index, in: groups + block * layout.rowWords(Self.blockRows))
    }

    /// Packs the rows of a turn, [count, depth].
    func pack(
        _ count: Int, of source: UnsafePointer<UInt8>, into groups: UnsafeMutablePointer<UInt32>, _ workers: Workers
    ) {
        let kernel = layout.isStrassen ? mica_strassen_rows_u8 : mica_pack_pairs_u8
        pack(count, of: source, into: groups, workers, kernel)
    }

    /// Packs the rows of a turn, [count, depth], as integers and their scales.
    func pack(
        _ count: Int, of source: UnsafePointer<Float>, into groups: UnsafeMutablePointer<UInt32>, _ workers: Workers
    ) {
        let kernel = layout.isStrassen ? mica_strassen_rows_f32 : mica_pack_scaled_rows
        pack(count, of: source, into: groups, workers, kernel)
    }

    private func pack<Element>(
        _ count: Int, of source: UnsafePointer<Element>, into groups: UnsafeMutablePointer<UInt32>,
        _ workers: Workers,
        _ kernel: (UnsafePointer<Element>?, _ stride: Int, _ rows: Int, _ elements: Int, mica_pairs) -> Void
    ) {
        let slices = layout.slices
        workers.run(tasks: blocks(of: count) * slices) { _, task in
            let (block, index) = (task / slices, task % slices)
            let rows = rows(ofBlock: block, of: count)
            let elements = layout.elements(ofSlice: index)
            kernel(
                source + rows.lowerBound * depth + elements.lowerBound, depth, rows.count, elements.count,
                slice(index, ofBlock: block, rows, in: groups))
        }
    }

    /// Multiplies the packed rows of a turn, and calls `finish` with the sums of all rows and columns, some at a time.
    func multiply(
        _ count: Int, _ groups: UnsafeMutablePointer<UInt32>, _ weight: Weight,
        scratch: UnsafeMutablePointer<UInt32>, _ workers: Workers, finish: (Sums) -> Void
    ) {
        let width = PairLayout.spanColumns
        let spans = (columns + width - 1) / width
        let blocks = blocks(of: count)
        let chunks = max(1, min(blocks, Self.tasksPerWorker * workers.count / spans))
        workers.run(tasks: spans * chunks) { worker, task in
            let first = task / chunks * width
            let span = first..<min(first + width, columns)
            let memory = Scratch(scratch + worker * scratchWords, spanWords: layout.spanWords)
            pack(span, of: weight, memory)
            let chunk = task % chunks
            for block in (blocks * chunk / chunks)..<(blocks * (chunk + 1) / chunks) {
                let rows = rows(ofBlock: block, of: count)
                for index in 0..<layout.slices {
                    multiply(
                        rows.count, span.count, slice(index, ofBlock: block, rows, in: groups), weight, slice: index,
                        memory)
                }
                finish(Sums(base: memory.sums, rows: rows, columns: span))
            }
        }
    }

    /// What a worker works in.
    struct Scratch {
        /// The slices of a span.
        let panels: UnsafeMutablePointer<UInt32>
        /// Sums for each panel of columns, and what becomes of them.
        let integers: UnsafeMutablePointer<Int32>
        let sums: UnsafeMutablePointer<Float>
        /// The same where integers are what a sum is.
        var exactSums: UnsafeMutablePointer<Int32> {
            UnsafeMutableRawPointer(sums).assumingMemoryBound(to: Int32.self)
        }
        /// Of columns that are packed.
        let floats: UnsafeMutablePointer<Float>
        let halves: UnsafeMutablePointer<Int16>

        init(_ memory: UnsafeMutablePointer<UInt32>, spanWords: Int) {
            panels = memory
            integers = UnsafeMutableRawPointer(memory + spanWords).assumingMemoryBound(to: Int32.self)
            sums = UnsafeMutableRawPointer(integers + sumWords).assumingMemoryBound(to: Float.self)
            floats = sums + sumWords
            halves = UnsafeMutableRawPointer(floats + floatWords).assumingMemoryBound(to: Int16.self)
        }
    }
}
