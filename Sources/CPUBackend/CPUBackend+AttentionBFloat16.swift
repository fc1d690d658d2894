import CKernels
import TensorCore

extension CPUBackend {
    /// Rows of queries of one block: a multiple of the six that the inner kernel takes at once.
    private static let bfloat16QueryBlock = 96
    /// Keys of one block: 96 x 256 scores and a block's packed keys and values stay in the second-level cache.
    private static let bfloat16KeyBlock = 256

    /// True if attention runs on the CPU's bfloat16 products.
    func usesBFloat16(attentionOf queries: Int, _ layout: AttentionLayout) -> Bool {
        multipliesBFloat16 && queries >= Self.fewQueries && layout.headSize % 2 == 0
    }

    /// Attention with scores and values in bfloat16 and softmax in float32: a head's keys and values are packed once,
    /// then all its blocks of queries go over them.
    func bfloat16Attention(
        _ query: Tensor, _ key: Tensor, _ value: Tensor, _ layout: AttentionLayout, _ output: Tensor
    ) throws(TensorError) {
        let blocks = QueryBlock.blocks(
            queries: query.shape[0], keys: key.shape[0], layout.mask, rows: Self.bfloat16QueryBlock)
        let packed = PackedHead(keyCount: key.shape[0], headSize: layout.headSize, block: Self.bfloat16KeyBlock)
        let packedWords = try allocate([packed.wordCount], .int32, operation: "attention")
        let attention = BFloat16Attention(
            operands: AttentionOperands(query, key, value, layout, output),
            packed: packed, words: packedWords.rawPointer.assumingMemoryBound(to: UInt32.self),
            queryRows: Self.bfloat16QueryBlock)
        try run(attention, blocks)
    }
}

/// Where the packed keys and values of one head lie, in words of two bfloat16.
private struct PackedHead {
    let keyCount: Int
    let headSize: Int
    /// Keys of a block, a multiple of 64.
    let block: Int

    /// Head size rounded up to the kernel's panels.
    var paddedSize: Int { (headSize + 63) / 64 * 64 }
    var blockCount: Int { (keyCount + block - 1) / block }
    var keyWords: Int { block * headSize / 2 }
    var valueWords: Int { block / 2 * paddedSize }
    var wordCount: Int { blockCount * (keyWords + valueWords) }
}

/// The operands of one attention in bfloat16.
private struct BFloat16Attention: HeadAttention {
    let operands: AttentionOperands
    let packed: PackedHead
    let words: UnsafeMutablePointer<UInt32>
    /// Most rows of a block of queries.
    let queryRows: Int

    var blockCount: Int { packed.blockCount }

    /// Scores, rounded weights, rounded queries, accumulated values, maximum, sum, and each row's range of keys.
    var scratchFloats: Int {
        queryRows * (packed.block + packed.block / 2 + layout.headSize / 2 + packed.paddedSize + 4)
    }

    private func keyPanels(_ block: Int) -> UnsafeMutablePointer<UInt32> {
        words + block * (packed.keyWords + packed.valueWords)
    }

    func pack(keyHead: Int, block: Int) {
        let stride = layout.keyHeads * layout.headSize
        let first = block * packed.block
        let count = min(packed.block, packed.keyCount - first)
        let offset = first * stride + keyHead * layout.headSize
        let keys = keyPanels(block)
        for panel in 0..<packed.block / 64 {
            let start = panel * 64
            mica_pack_keys(
                key + offset + min(start, count) * stride, stride, max(0, min(64, count - start)), layout.headSize,
                keys + panel * 64 * layout.headSize / 2)
        }
        mica_pack_values(
            value + offset, stride, count, layout.headSize, packed.block / 2, keys + packed.keyWords)
    }

    func run(head: Int, _ block: QueryBlock, scratch: UnsafeMutablePointer<Float>) {
        let size = layout.headSize
        let stride = layout.heads * size
        let rows = block.queries.count
        let scores = scratch
        let weights = UnsafeMutableRawPointer(scores + queryRows * packed.block).assumingMemoryBound(to: UInt16.self)
        let rounded = weights + queryRows * packed.block
        let accumulated = UnsafeMutableRawPointer(rounded + queryRows * size).assumingMemoryBound(to: Float.self)
        let maximum = accumulated + queryRows * packed.paddedSize
        let sum = maximum + queryRows
        let first = UnsafeMutableRawPointer(sum + queryRows).assumingMemoryBound(to: Int32.self)
        let last = first + queryRows
        accumulated.update(repeating: 0, count: rows * packed.paddedSize)
        maximum.update(repeating: -.infinity, count: rows)
        sum.update(repeating: 0, count: rows)
        mica_round_rows_bf16(query + block.queries.lowerBound * stride + head * size, stride, rows, size, rounded)
        for index in block.keys.lowerBound / packed.block...(block.keys.upperBound - 1) / packed.block {
            let start = index * packed.block
            for row in 0..<rows {
                let seen = block.keys(of: block.queries.lowerBound + row)
                first[row] = Int32(min(max(seen.lowerBound - start, 0), packed.block))
                last[row] = Int32(min(max(seen.upperBound - start, 0), packed.block))
            }
            let keys = keyPanels(index)
            mica_attention_block_bf16(
                rounded, rows, size, keys, keys + packed.keyWords, packed.block, first, last, layout.scale, scores,
                weights, maximum, sum, accumulated)
        }
        mica_softmax_finish(
            accumulated, packed.paddedSize, sum, output + block.queries.lowerBound * stride + head * size, rows, size,
            stride)
    }
}
