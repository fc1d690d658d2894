import CKernels
import TensorCore

extension CPUBackend {
    /// Queries and keys of one block: its scores, 128 x 512 floats,
    /// and its accumulated values stay in the second-level cache.
    private static let queryBlock = 128
    private static let keyBlock = 512
    /// With fewer queries, packing the keys costs more than it saves.
    static let fewQueries = 16

    /// Attention in blocks with a running maximum (Milakov and Gimelshein
    /// 2018): scratch memory does not grow with the number of tokens.
    func attention(
        _ query: Tensor, _ key: Tensor, _ value: Tensor, _ layout: AttentionLayout, _ output: Tensor
    ) throws(TensorError) {
        if pairs(attentionOf: query.shape[0], layout) {
            return try pairedAttention(query, key, value, layout, output)
        }
        if usesBFloat16(attentionOf: query.shape[0], layout) {
            return try bfloat16Attention(query, key, value, layout, output)
        }
        if packs(attentionOf: query.shape[0], layout) {
            return try packedAttention(query, key, value, layout, output)
        }
        let blocks = QueryBlock.blocks(
            queries: query.shape[0], keys: key.shape[0], layout.mask, rows: Self.queryBlock)
        let tasks = blocks.count * layout.heads
        let size = layout.headSize
        let scratchFloats = Self.queryBlock * (Self.keyBlock + size + 2)
        let scratch = try allocate(
            [max(min(workers.count, tasks), 1), scratchFloats], .float32, operation: "attention")
        let memory = scratch.floats
        let operands = AttentionOperands(query, key, value, layout, output)
        workers.run(tasks: tasks) { worker, task in
            let block = blocks[task % blocks.count]
            operands.run(
                head: task / blocks.count, block, keyBlock: Self.keyBlock,
                scratch: memory + worker * scratchFloats, capacity: Self.queryBlock)
        }
    }
}

extension AttentionOperands {
    /// Computes a block of a head's queries with keys and values where they lie, `keyBlock` of them at a time.
    fileprivate func run(
        head: Int, _ block: QueryBlock, keyBlock: Int, scratch: UnsafeMutablePointer<Float>, capacity: Int
    ) {
        let size = layout.headSize
        let queryStride = layout.heads * size
        let keyStride = layout.keyHeads * size
        let keyColumn = head / (layout.heads / layout.keyHeads) * size
        let rows = block.queries.count
        let scores = scratch
        let accumulated = scores + capacity * keyBlock
        let maximum = accumulated + capacity * size
        let sum = maximum + capacity
        accumulated.update(repeating: 0, count: rows * size)
        maximum.update(repeating: -.infinity, count: rows)
        sum.update(repeating: 0, count: rows)
        let q = query + block.queries.lowerBound * queryStride + head * size
        for start in stride(from: block.keys.lowerBound, to: block.keys.upperBound, by: keyBlock) {
            let keys = start..<min(start + keyBlock, block.keys.upperBound)
            BLAS.multiply(
                rows, keys.count, size, q, queryStride, key + start * keyStride + keyColumn, keyStride,
                transposed: true, beta: 0, scores, keyBlock)
            softmax(block, keys, scores, keyBlock, maximum, sum, accumulated)
            BLAS.multiply(
                rows, size, keys.count, scores, keyBlock, value + start * keyStride + keyColumn, keyStride,
                transposed: false, beta: 1, accumulated, size)
        }
        mica_softmax_finish(
            accumulated, size, sum, output + block.queries.lowerBound * queryStride + head * size, rows, size,
            queryStride)
    }

    private func softmax(
        _ block: QueryBlock, _ keys: Range<Int>, _ scores: UnsafeMutablePointer<Float>, _ stride: Int,
        _ maximum: UnsafeMutablePointer<Float>, _ sum: UnsafeMutablePointer<Float>,
        _ accumulated: UnsafeMutablePointer<Float>
    ) {
        guard let offset = block.causalOffset else {
            mica_softmax_block(
                scores, block.queries.count, keys.count, stride, layout.scale, nil, maximum, sum, accumulated,
                layout.headSize)
            return
        }
        let visible = block.queries.map { Int32($0 + offset + 1 - keys.lowerBound) }
        mica_softmax_block(
            scores, block.queries.count, keys.count, stride, layout.scale, visible, maximum, sum, accumulated,
            layout.headSize)
    }
}
