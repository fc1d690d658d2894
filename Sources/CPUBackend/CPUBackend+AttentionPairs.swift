import CKernels
import TensorCore

extension CPUBackend {
    /// Rows of queries of one block: whole groups of the kernel's.
    private static let pairQueryBlock = 16 * Int(MICA_PAIR_ROWS)

    /// True if attention runs as products of 16-bit integers. Segments are short, and packed by no panel.
    func pairs(attentionOf queries: Int, _ layout: AttentionLayout) -> Bool {
        if case .segments = layout.mask { return false }
        return multipliesPairs && queries >= Self.fewQueries && layout.headSize <= Int(MICA_SLICE)
    }

    /// Attention with scores and values as products of 16-bit integers and softmax in float32.
    func pairedAttention(
        _ query: Tensor, _ key: Tensor, _ value: Tensor, _ layout: AttentionLayout, _ output: Tensor
    ) throws(TensorError) {
        let blocks = QueryBlock.blocks(
            queries: query.shape[0], keys: key.shape[0], layout.mask, rows: Self.pairQueryBlock)
        let packed = PackedPairs(keyCount: key.shape[0], headSize: layout.headSize)
        let memory = try allocate([packed.blockCount, packed.blockFloats], .float32, operation: "attention")
        let attention = PairAttention(
            operands: AttentionOperands(query, key, value, layout, output),
            packed: packed, memory: memory.floats, queryRows: Self.pairQueryBlock)
        try run(attention, blocks)
    }
}

/// Where the packed keys and values of one head lie.
private struct PackedPairs {
    let keyCount: Int
    let headSize: Int

    /// Columns of a panel, of keys as of values.
    static let panelColumns = 16
    /// Keys of a block: as many as may share a scale where they are summed.
    static let keyBlock = Int(MICA_SLICE)

    var blockCount: Int { (keyCount + Self.keyBlock - 1) / Self.keyBlock }
    var valuePanels: Int { (headSize + Self.panelColumns - 1) / Self.panelColumns }
    /// Words of 2 elements along the head.
    var headUnits: Int { (headSize + 1) / 2 }
    private var keyWords: Int { Self.keyBlock * headUnits }
    private var valueWords: Int { valuePanels * Self.panelColumns * Self.keyBlock / 2 }
    private var paddedSize: Int { valuePanels * Self.panelColumns }

    /// Keys in panels, their scales, values in panels, their scales, and values turned around while they are packed.
    var blockFloats: Int {
        keyWords + Self.keyBlock + valueWords + paddedSize + Self.panelColumns * Self.keyBlock
    }

    /// Units of a row's weights for some keys: whole panels.
    static func weightUnits(_ keys: Int) -> Int { (keys + panelColumns - 1) / panelColumns * (panelColumns / 2) }

    func keys(of block: Int) -> Range<Int> {
        (block * Self.keyBlock)..<min((block + 1) * Self.keyBlock, keyCount)
    }

    struct Block {
        let keys: UnsafeMutablePointer<UInt32>
        let keyScales: UnsafeMutablePointer<Float>
        let values: UnsafeMutablePointer<UInt32>
        let valueScales: UnsafeMutablePointer<Float>
        let turned: UnsafeMutablePointer<Float>
    }

    func block(_ index: Int, in memory: UnsafeMutablePointer<Float>) -> Block {
        let base = memory + index * blockFloats
        let keyScales = base + keyWords
        let values = keyScales + Self.keyBlock
        let valueScales = values + valueWords
        return Block(
            keys: words(base), keyScales: keyScales, values: words(values), valueScales: valueScales,
            turned: valueScales + paddedSize)
    }
}

private func words(_ floats: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<UInt32> {
    UnsafeMutableRawPointer(floats).assumingMemoryBound(to: UInt32.self)
}

/// The operands of one attention as 16-bit integers.
private struct PairAttention: HeadAttention {
    let operands: AttentionOperands
    let packed: PackedPairs
    let memory: UnsafeMutablePointer<Float>
    /// Most rows of a block of queries, whole groups.
    let queryRows: Int

    private static let log2E: Float = 1.442_695_04

    var blockCount: Int { packed.blockCount }

    /// Scores, weights and queries in groups, accumulated values, and by row the scales of both, maximum and sum.
    var scratchFloats: Int {
        let padded = packed.valuePanels * PackedPairs.panelColumns
        return queryRows * (PackedPairs.keyBlock * 3 / 2 + packed.headUnits + padded + 4)
    }

    func pack(keyHead: Int, block index: Int) {
        let (stride, size) = (layout.keyHeads * layout.headSize, layout.headSize)
        let range = packed.keys(of: index)
        let offset = range.lowerBound * stride + keyHead * size
        let block = packed.block(index, in: memory)
        let width = PackedPairs.panelColumns
        for first in Swift.stride(from: 0, to: range.count, by: width) {
            mica_pack_scaled_panel(
                key + offset + first * stride, stride, min(width, range.count - first), size,
                block.keys + first * packed.headUnits, block.keyScales + first)
        }
        let units = PackedPairs.weightUnits(range.count)
        // Weights end with a whole panel of keys: where there are no more, values are 0.
        block.turned.update(repeating: 0, count: width * PackedPairs.keyBlock)
        for first in Swift.stride(from: 0, to: size, by: width) {
            let columns = min(width, size - first)
            mica_transpose(value + offset + first, stride, range.count, columns, block.turned, PackedPairs.keyBlock)
            mica_pack_scaled_panel(
                block.turned, PackedPairs.keyBlock, columns, units * 2, block.values + first * units,
                block.valueScales + first)
        }
    }

    func run(head: Int, _ block: QueryBlock, scratch: UnsafeMutablePointer<Float>) {
        let (size, stride) = (layout.headSize, layout.heads * layout.headSize)
        let rows = block.queries.count
        let scores = scratch
        let weights = words(scores + queryRows * PackedPairs.keyBlock)
        let queries = weights + queryRows * PackedPairs.keyBlock / 2
        let accumulated = UnsafeMutableRawPointer(queries + queryRows * packed.headUnits)
            .assumingMemoryBound(to: Float.self)
        let scales = accumulated + queryRows * packed.valuePanels * PackedPairs.panelColumns
        let weightScales = scales + queryRows
        let maximum = weightScales + queryRows
        let sum = maximum + queryRows
        accumulated.update(repeating: 0, count: queryRows * packed.valuePanels * PackedPairs.panelColumns)
        weightScales.update(repeating: 0, count: queryRows)
        maximum.update(repeating: -.infinity, count: rows)
        sum.update(repeating: 0, count: rows)
        let first = block.queries.lowerBound * stride + head * size
        mica_pack_scaled_rows(query + first, stride, rows, size, queries, scales)
        // Softmax is by powers of two.
        for row in 0..<rows { scales[row] *= layout.scale * Self.log2E }
        for index in 0...(block.keys.upperBound - 1) / PackedPairs.keyBlock {
            let keys = packed.keys(of: index)
            let visible = block.causalOffset.map { offset in
                block.queries.map { Int32(clamping: $0 + offset + 1 - keys.lowerBound) }
            }
            let operand = packed.block(index, in: memory)
            multiply(
                rows, queries, scales, operand.keys, operand.keyScales, columns: keys.count, units: packed.headUnits,
                scores, adds: false)
            mica_softmax_pairs(
                scores, rows, panelStride, keys.count, visible, maximum, sum, accumulated, packed.valuePanels, weights,
                weightScales)
            multiply(
                rows, weights, weightScales, operand.values, operand.valueScales, columns: size,
                units: PackedPairs.weightUnits(keys.count), accumulated, adds: true)
        }
        for column in Swift.stride(from: 0, to: size, by: PackedPairs.panelColumns) {
            mica_softmax_finish(
                accumulated + column * queryRows, PackedPairs.panelColumns, sum, output + first + column, rows,
                min(PackedPairs.panelColumns, size - column), stride)
        }
    }

    /// Floats from one panel of sums to the next.
    private var panelStride: Int { queryRows * PackedPairs.panelColumns }

    private func multiply(
        _ rows: Int, _ groups: UnsafePointer<UInt32>, _ rowScales: UnsafePointer<Float>,
        _ panels: UnsafePointer<UInt32>, _ columnScales: UnsafePointer<Float>, columns: Int, units: Int,
        _ sums: UnsafeMutablePointer<Float>, adds: Bool
    ) {
        let groupCount = (rows + Int(MICA_PAIR_ROWS) - 1) / Int(MICA_PAIR_ROWS)
        for first in stride(from: 0, to: columns, by: PackedPairs.panelColumns) {
            mica_product_scaled_pairs(
                groups, rowScales, groupCount, panels + first * units, columnScales + first, units,
                sums + first * queryRows, adds ? 1 : 0)
        }
    }
}
