import CKernels
import TensorCore

extension CPUBackend {
    /// Rows of queries of one block: whole groups of the kernel's.
    private static let pairQueryBlock = 48 * Int(MICA_PAIR_ROWS)

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
            packed: packed, memory: memory.floats, queryRows: Self.pairQueryBlock, kernels: pairKernels)
        try run(attention, blocks)
    }
}

/// Where the packed keys and values of one head lie.
private struct PackedPairs {
    let keyCount: Int
    let headSize: Int

    /// Columns of a panel, of keys as of values.
    static let panelColumns = PairLayout.panelColumns
    /// Keys of a block: as many as may share a scale where they are summed.
    static let keyBlock = Int(MICA_SLICE)

    var blockCount: Int { (keyCount + Self.keyBlock - 1) / Self.keyBlock }
    var valuePanels: Int { (headSize + Self.panelColumns - 1) / Self.panelColumns }
    /// Units of 4 elements along the head.
    var headUnits: Int { (headSize + 3) / 4 }
    /// Columns of whole panels along the head.
    var paddedSize: Int { valuePanels * Self.panelColumns }

    private var keyWords: Int { Self.words(rows: Self.keyBlock, units: headUnits) }
    private var valueWords: Int { Self.words(rows: paddedSize, units: Self.keyBlock / 4) }

    /// 4-byte words of packed rows: two a unit, and a scale and an excess.
    static func words(rows: Int, units: Int) -> Int { rows * (2 * units + 2) }

    /// Keys in panels, values in panels, and values turned around while they are packed.
    var blockFloats: Int { keyWords + valueWords + Self.panelColumns * Self.keyBlock }

    /// Units of a row's weights for some keys: whole panels.
    static func weightUnits(_ keys: Int) -> Int { (keys + panelColumns - 1) / panelColumns * (panelColumns / 4) }

    func keys(of block: Int) -> Range<Int> {
        (block * Self.keyBlock)..<min((block + 1) * Self.keyBlock, keyCount)
    }

    struct Block {
        let keys: mica_pairs
        let values: mica_pairs
        let turned: UnsafeMutablePointer<Float>
    }

    func block(_ index: Int, in memory: UnsafeMutablePointer<Float>) -> Block {
        let base = memory + index * blockFloats
        return Block(
            keys: Self.pairs(in: base, rows: Self.keyBlock, units: headUnits),
            values: Self.pairs(in: base + keyWords, rows: paddedSize, units: Self.keyBlock / 4),
            turned: base + keyWords + valueWords)
    }

    /// Packed rows in `words(rows:units:)` of memory.
    static func pairs(in memory: UnsafeMutablePointer<Float>, rows: Int, units: Int) -> mica_pairs {
        let words = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: UInt32.self)
        return mica_pairs(in: words, words: rows * 2 * units, scales: rows)
    }
}

/// The operands of one attention as 16-bit integers.
private struct PairAttention: HeadAttention {
    let operands: AttentionOperands
    let packed: PackedPairs
    let memory: UnsafeMutablePointer<Float>
    /// Most rows of a block of queries, whole groups.
    let queryRows: Int
    let kernels: PairKernels

    private static let log2E: Float = 1.442_695_04

    var blockCount: Int { packed.blockCount }

    /// Weights and queries in groups, scores, accumulated values, and by row the maximum and sum.
    var scratchFloats: Int {
        weightWords + queryWords + scorePanels * panelStride + packed.valuePanels * panelStride + 2 * queryRows
    }

    private var scorePanels: Int { PackedPairs.keyBlock / PackedPairs.panelColumns }
    private var weightWords: Int { PackedPairs.words(rows: queryRows, units: PackedPairs.keyBlock / 4) }
    private var queryWords: Int { PackedPairs.words(rows: queryRows, units: packed.headUnits) }

    func pack(keyHead: Int, block index: Int) {
        let (stride, size) = (layout.keyHeads * layout.headSize, layout.headSize)
        let range = packed.keys(of: index)
        let offset = range.lowerBound * stride + keyHead * size
        let block = packed.block(index, in: memory)
        let width = PackedPairs.panelColumns
        pack(key + offset, stride, range.count, size, block.keys, units: packed.headUnits, length: MICA_LENGTH)
        let units = PackedPairs.weightUnits(range.count)
        // Weights end with a whole panel of keys: where there are no more, values are 0.
        block.turned.update(repeating: 0, count: width * PackedPairs.keyBlock)
        for first in Swift.stride(from: 0, to: size, by: width) {
            let columns = min(width, size - first)
            mica_transpose(value + offset + first, stride, range.count, columns, block.turned, PackedPairs.keyBlock)
            pack(
                block.turned, PackedPairs.keyBlock, columns, units * 4, block.values.panel(from: first, units: units),
                units: units, length: MICA_VALUE_LENGTH)
        }
    }

    /// Packs rows of `elements`, `stride` apart, into panels of `units`, the last one filled up with zeros.
    private func pack(
        _ rows: UnsafePointer<Float>, _ stride: Int, _ count: Int, _ elements: Int, _ panels: mica_pairs, units: Int,
        length: Float
    ) {
        let width = PackedPairs.panelColumns
        for first in Swift.stride(from: 0, to: count, by: width) {
            let panel = panels.panel(from: first, units: units)
            for place in Swift.stride(from: 0, to: width, by: PairProduct.packedColumns) {
                let left = max(0, count - first - place)
                mica_pack_scaled_columns(
                    rows + min(first + place, count) * stride, stride, min(left, PairProduct.packedColumns), elements,
                    length, panel.advanced(words: place, rows: place))
            }
        }
    }

    func run(head: Int, _ block: QueryBlock, scratch: UnsafeMutablePointer<Float>) {
        let (size, stride) = (layout.headSize, layout.heads * layout.headSize)
        let rows = block.queries.count
        let weights = PackedPairs.pairs(in: scratch, rows: queryRows, units: PackedPairs.keyBlock / 4)
        let queries = PackedPairs.pairs(in: scratch + weightWords, rows: queryRows, units: packed.headUnits)
        let scores = scratch + weightWords + queryWords
        let accumulated = scores + scorePanels * panelStride
        let maximum = accumulated + packed.valuePanels * panelStride
        let sum = maximum + queryRows
        accumulated.update(repeating: 0, count: packed.valuePanels * panelStride)
        maximum.update(repeating: -.infinity, count: rows)
        sum.update(repeating: 0, count: rows)
        let first = block.queries.lowerBound * stride + head * size
        mica_pack_scaled_rows(query + first, stride, rows, size, queries)
        // Softmax is by powers of two.
        for row in 0..<rows { queries.scales[row] *= layout.scale * Self.log2E }
        for index in 0...(block.keys.upperBound - 1) / PackedPairs.keyBlock {
            let keys = packed.keys(of: index)
            let visible = block.causalOffset.map { offset in
                block.queries.map { Int32(clamping: $0 + offset + 1 - keys.lowerBound) }
            }
            let operand = packed.block(index, in: memory)
            multiply(rows, queries, operand.keys, columns: keys.count, units: packed.headUnits, scores, adds: false)
            mica_softmax_pairs(
                scores, rows, panelStride, keys.count, visible, maximum, sum, accumulated, packed.valuePanels, weights)
            multiply(
                rows, weights, operand.values, columns: size, units: PackedPairs.weightUnits(keys.count), accumulated,
                adds: true)
        }
        for column in Swift.stride(from: 0, to: size, by: PackedPairs.panelColumns) {
            mica_softmax_finish(
                accumulated + column / PackedPairs.panelColumns * panelStride, PackedPairs.panelColumns, sum,
                output + first + column, rows, min(PackedPairs.panelColumns, size - column), stride)
        }
    }

    /// Floats from one panel of sums to the next: a row more than there are, or a row's lines in all panels would share
    /// a few places of the first-level cache.
    private var panelStride: Int { (queryRows + 1) * PackedPairs.panelColumns }

    private func multiply(
        _ rows: Int, _ groups: mica_pairs, _ panels: mica_pairs, columns: Int, units: Int,
        _ sums: UnsafeMutablePointer<Float>, adds: Bool
    ) {
        let groupCount = (rows + Int(MICA_PAIR_ROWS) - 1) / Int(MICA_PAIR_ROWS)
        for first in stride(from: 0, to: columns, by: PackedPairs.panelColumns) {
            kernels.multiplyScaled(
                groups, groupCount, panels.panel(from: first, units: units), units: units,
                sums + first / PackedPairs.panelColumns * panelStride, adds: adds)
        }
    }
}

extension mica_pairs {
    /// The panel of rows from `row` on, a multiple of a panel's, where panels of `units` lie one after another.
    fileprivate func panel(from row: Int, units: Int) -> mica_pairs { advanced(words: row * 2 * units, rows: row) }
}
