import CKernels
import TensorCore

/// How matrices are multiplied with the backend's own tiles (AVX-512, see `product_tiles.h`).
///
/// The input is packed into panels of 48 rows, some megabytes of them at a time; the weight is read where it lies, or,
/// in another form than it is multiplied in, 8 rows of a slice of the depth at a time. Every sum is taken in the same
/// order whatever the number of workers.
struct TiledProduct {
    /// What is multiplied; sums are float32, of `int8` int32.
    enum Kind {
        case float32
        case bfloat16
        /// Unsigned inputs, signed weights.
        case int8
    }

    let kind: Kind
    let rows: Int
    let depth: Int
    let columns: Int

    /// Rows of a panel, and of a block: panels that meet the same rows of the weight while these are in the first-level
    /// cache, and stay in the second-level one themselves.
    private static let panelRows = 48
    private static let blockRows = 4 * panelRows
    /// Bytes of a slice of the depth, for the same reason.
    private static let sliceBytes = 4096
    /// Rows of the weight that a tile takes.
    private static let tileColumns = 8
    /// Packed panels are at most about this large, however long the input.
    private static let packedBytes = 16 << 20

    /// 4-byte units of a row.
    private var units: Int { (depth + elementsPerUnit - 1) / elementsPerUnit }

    private var elementsPerUnit: Int {
        switch kind {
        case .float32: 1
        case .bfloat16: 2
        case .int8: 4
        }
    }

    /// Input rows that are packed and multiplied at once, whole blocks.
    var rowsAtOnce: Int {
        let fitting = Self.packedBytes / max(units * 4, 1) / Self.blockRows * Self.blockRows
        return min(max(fitting, Self.blockRows), (rows + 15) / 16 * 16)
    }

    /// Shape of the memory for packed panels, as float32.
    var packedShape: Shape { [rowsAtOnce, units] }

    /// Floats of a worker's memory for rows of the weight in the form that they are multiplied in.
    let sliceElements = tileColumns * sliceBytes / 4

    /// True if the weight's rows need no other form: its elements are those multiplied, and units are whole.
    func reads(_ dtype: DType) -> Bool {
        switch kind {
        case .float32: dtype == .float32
        case .bfloat16: dtype == .bfloat16 && depth.isMultiple(of: 2)
        case .int8: depth.isMultiple(of: 4)
        }
    }

    /// The first rows of each group that is packed and multiplied at once.
    var groups: [Range<Int>] {
        stride(from: 0, to: rows, by: rowsAtOnce).map { $0..<min($0 + rowsAtOnce, rows) }
    }

    /// Packs the rows of a group: `source` points at the group's first row, of bytes for `int8`.
    func pack(_ count: Int, of source: UnsafeRawPointer, into packed: UnsafeMutablePointer<Float>, _ workers: Workers) {
        let panels = (count + Self.panelRows - 1) / Self.panelRows
        workers.run(tasks: panels) { _, panel in
            let first = panel * Self.panelRows
            let height = min(Self.panelRows, count - first)
            let target = packed + first * units
            switch kind {
            case .float32:
                mica_pack_rows_f32(floats(source) + first * depth, height, depth, target)
            case .bfloat16:
                mica_pack_rows_bf16(floats(source) + first * depth, height, depth, target)
            case .int8:
                mica_pack_rows_u8(
                    source.assumingMemoryBound(to: UInt8.self) + first * depth, height, depth, target)
            }
        }
    }

    /// Multiplies a packed group with the weight, and calls `finish` for each rectangle of the output that is whole.
    ///
    /// - Parameters:
    ///   - output: the group's first row.
    ///   - slices: `sliceElements` for each worker, or nil if the weight is read where it lies.
    func multiply(
        _ count: Int, _ packed: UnsafePointer<Float>, _ weights: WeightRows, output: UnsafeMutablePointer<Float>,
        slices: UnsafeMutablePointer<Float>?, _ workers: Workers,
        finish: (_ rows: Range<Int>, _ columns: Range<Int>) -> Void
    ) {
        let blocks = (count + Self.blockRows - 1) / Self.blockRows
        // Several tasks a worker, of whole tiles; of two neighbours the second reads the same rows of the weight.
        let tiles = (columns + Self.tileColumns - 1) / Self.tileColumns
        let parts = max(1, min(tiles, (workers.count * 8 + blocks - 1) / blocks))
        workers.run(tasks: blocks * parts) { worker, task in
            let (block, part) = (task % blocks, task / blocks)
            let first = block * Self.blockRows
            let rows = first..<min(first + Self.blockRows, count)
            let bounds = [part, part + 1].map { min(tiles * $0 / parts * Self.tileColumns, columns) }
            let span = bounds[0]..<bounds[1]
            let slice = slices.map { $0 + worker * sliceElements }
            rectangle(rows, span, packed, weights, output, slice)
            finish(rows, span)
        }
    }

    /// The sums of some rows and columns, slice by slice of the depth.
    private func rectangle(
        _ rows: Range<Int>, _ span: Range<Int>, _ packed: UnsafePointer<Float>, _ weights: WeightRows,
        _ output: UnsafeMutablePointer<Float>, _ slice: UnsafeMutablePointer<Float>?
    ) {
        let sliceUnits = Self.sliceBytes / 4
        for firstUnit in stride(from: 0, to: units, by: sliceUnits) {
            let count = min(sliceUnits, units - firstUnit)
            let elements = (firstUnit * elementsPerUnit)..<min((firstUnit + count) * elementsPerUnit, depth)
            for column in stride(from: span.lowerBound, to: span.upperBound, by: Self.tileColumns) {
                let tile = column..<min(column + Self.tileColumns, span.upperBound)
                var weight = weights.address(row: column, element: elements.lowerBound)
                var weightBytes = weights.rowBytes
                if let slice {
                    fill(slice, tile, elements, count, weights)
                    weight = UnsafeRawPointer(slice)
                    weightBytes = count * 4
                }
                for panel in stride(from: rows.lowerBound, to: rows.upperBound, by: Self.panelRows) {
                    let height = min(Self.panelRows, rows.upperBound - panel)
                    // A panel's units lie as far apart as it is wide.
                    let start = packed + panel * units + firstUnit * ((height + 15) / 16 * 16)
                    step(
                        start, height, count, weight, weightBytes, tile.count, output + panel * columns + column,
                        adds: firstUnit > 0)
                }
            }
        }
    }

    /// Rows of the weight, elements of a slice, in the form that is multiplied; what is missing of a unit is 0.
    private func fill(
        _ slice: UnsafeMutablePointer<Float>, _ tile: Range<Int>, _ elements: Range<Int>, _ units: Int,
        _ weights: WeightRows
    ) {
        for (index, row) in tile.enumerated() {
            let line = UnsafeMutableRawPointer(slice + index * units)
            (slice + index * units)[units - 1] = 0
            switch kind {
            case .float32: weights.widen(row, elements, into: line.assumingMemoryBound(to: Float.self))
            case .bfloat16: weights.narrow(row, elements, into: line.assumingMemoryBound(to: UInt16.self))
            case .int8:
                line.copyMemory(
                    from: weights.address(row: row, element: elements.lowerBound), byteCount: elements.count)
            }
        }
    }

    private func step(
        _ panel: UnsafePointer<Float>, _ height: Int, _ units: Int, _ weight: UnsafeRawPointer, _ weightBytes: Int,
        _ width: Int, _ corner: UnsafeMutablePointer<Float>, adds: Bool
    ) {
        let adding: Int32 = adds ? 1 : 0
        switch kind {
        case .float32: mica_product_f32(panel, height, units, weight, weightBytes, width, corner, columns, adding)
        case .bfloat16: mica_product_bf16(panel, height, units, weight, weightBytes, width, corner, columns, adding)
        case .int8: mica_product_u8s8(panel, height, units, weight, weightBytes, width, corner, columns, adding)
        }
    }

    private func floats(_ pointer: UnsafeRawPointer) -> UnsafePointer<Float> {
        pointer.assumingMemoryBound(to: Float.self)
    }
}
