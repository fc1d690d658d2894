import CKernels
import TensorCore

extension CPUBackend {
    /// Rows of queries of one block: a multiple of the pixels that a tile of the kernels takes.
    private static let packedQueryBlock = 96
    /// Keys of one block: 96 x 256 scores and a block's packed keys and values stay in the second-level cache.
    private static let packedKeyBlock = 256

    /// True if attention in float32 runs over packed keys and values. Segments are short, and packed by no panel.
    func packs(attentionOf queries: Int, _ layout: AttentionLayout) -> Bool {
        if case .segments = layout.mask { return false }
        return instructions != .portable && queries >= Self.fewQueries
    }

    /// Attention in float32: a head's keys and values are packed once, then all its blocks of queries go over them.
    func packedAttention(
        _ query: Tensor, _ key: Tensor, _ value: Tensor, _ layout: AttentionLayout, _ output: Tensor
    ) throws(TensorError) {
        let blocks = QueryBlock.blocks(
            queries: query.shape[0], keys: key.shape[0], layout.mask, rows: Self.packedQueryBlock)
        let count = (key.shape[0] + Self.packedKeyBlock - 1) / Self.packedKeyBlock
        let width = instructions.panelWidth
        let paddedSize = (layout.headSize + width - 1) / width * width
        let blockFloats = Self.packedKeyBlock * (layout.headSize + paddedSize)
        let packed = try allocate([count, blockFloats], .float32, operation: "attention")
        let attention = FloatAttention(
            operands: AttentionOperands(query, key, value, layout, output),
            keyCount: key.shape[0], blockCount: count, packed: packed.floats, blockFloats: blockFloats,
            keyBlock: Self.packedKeyBlock, queryRows: Self.packedQueryBlock, instructions: instructions)
        try run(attention, blocks)
    }
}

/// The operands of one attention in float32 over packed keys and values.
private struct FloatAttention: HeadAttention {
    let operands: AttentionOperands
    let keyCount: Int
    let blockCount: Int
    /// For each block of keys, these in panels, then the values in panels.
    let packed: UnsafeMutablePointer<Float>
    let blockFloats: Int
    /// Most keys of a block, a multiple of the panels' width.
    let keyBlock: Int
    /// Most rows of a block of queries.
    let queryRows: Int
    let instructions: HostInstructions

    private var zeroCount: Int { max(keyBlock, layout.headSize) }

    /// Scores, queries, accumulated values, maximum, sum, and zeros.
    var scratchFloats: Int { queryRows * (keyBlock + 2 * layout.headSize + 2) + zeroCount }

    private func keys(of block: Int) -> Range<Int> {
        (block * keyBlock)..<min((block + 1) * keyBlock, keyCount)
    }

    func pack(keyHead: Int, block: Int) {
        let (stride, size) = (layout.keyHeads * layout.headSize, layout.headSize)
        let range = keys(of: block)
        let offset = range.lowerBound * stride + keyHead * size
        let target = packed + block * blockFloats
        mica_pack_row_panels(key + offset, stride, range.count, size, instructions.panelWidth, target)
        mica_pack_column_panels(
            value + offset, stride, range.count, size, instructions.panelWidth, target + keyBlock * size)
    }

    func run(head: Int, _ block: QueryBlock, scratch: UnsafeMutablePointer<Float>) {
        let size = layout.headSize
        let stride = layout.heads * size
        let rows = block.queries.count
        let scores = scratch
        let queries = scores + queryRows * keyBlock
        let accumulated = queries + queryRows * size
        let maximum = accumulated + queryRows * size
        let sum = maximum + queryRows
        let zeros = sum + queryRows
        zeros.update(repeating: 0, count: zeroCount)
        accumulated.update(repeating: 0, count: rows * size)
        maximum.update(repeating: -.infinity, count: rows)
        sum.update(repeating: 0, count: rows)
        let first = block.queries.lowerBound * stride + head * size
        for row in 0..<rows {
            (queries + row * size).update(from: query + first + row * stride, count: size)
        }
        for index in 0...(block.keys.upperBound - 1) / keyBlock {
            let range = keys(of: index)
            let panels = packed + index * blockFloats
            instructions.multiply(
                queries, rows: rows, units: size, panels: panels, outputs: range.count, zeros: zeros, output: scores,
                adds: false)
            let visible = block.causalOffset.map { offset in
                block.queries.map { Int32(clamping: $0 + offset + 1 - range.lowerBound) }
            }
            mica_softmax_block(
                scores, rows, range.count, range.count, layout.scale, visible, maximum, sum, accumulated, size)
            instructions.multiply(
                scores, rows: rows, units: range.count, panels: panels + keyBlock * size, outputs: size, zeros: zeros,
                output: accumulated, adds: true)
        }
        mica_softmax_finish(accumulated, size, sum, output + first, rows, size, stride)
    }
}
