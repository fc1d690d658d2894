import TensorCore

/// What an attention reads and writes: queries and output [queries, heads * size], keys and values
/// [keys, keyHeads * size], all float32.
struct AttentionOperands {
    let query: UnsafeMutablePointer<Float>
    let key: UnsafeMutablePointer<Float>
    let value: UnsafeMutablePointer<Float>
    let output: UnsafeMutablePointer<Float>
    let layout: AttentionLayout

    init(_ query: Tensor, _ key: Tensor, _ value: Tensor, _ layout: AttentionLayout, _ output: Tensor) {
        self.query = query.floats
        self.key = key.floats
        self.value = value.floats
        self.output = output.floats
        self.layout = layout
    }
}

/// Attention over keys and values that are packed once a head, in blocks of both.
protocol HeadAttention {
    var operands: AttentionOperands { get }
    /// Blocks of keys.
    var blockCount: Int { get }
    /// Floats that each worker needs.
    var scratchFloats: Int { get }

    /// Packs a block of a head's keys and values.
    func pack(keyHead: Int, block: Int)

    /// Computes a block of a head's queries over all packed keys that they see.
    func run(head: Int, _ block: QueryBlock, scratch: UnsafeMutablePointer<Float>)
}

extension HeadAttention {
    var query: UnsafeMutablePointer<Float> { operands.query }
    var key: UnsafeMutablePointer<Float> { operands.key }
    var value: UnsafeMutablePointer<Float> { operands.value }
    var output: UnsafeMutablePointer<Float> { operands.output }
    var layout: AttentionLayout { operands.layout }
}

extension CPUBackend {
    /// Runs an attention head by head: keys and values are packed, then all blocks of queries go over them.
    func run(_ attention: some HeadAttention, _ blocks: [QueryBlock]) throws(TensorError) {
        let layout = attention.layout
        let group = layout.heads / layout.keyHeads
        let scratch = try allocate([workers.count, attention.scratchFloats], .float32, operation: "attention")
        let memory = scratch.floats
        for keyHead in 0..<layout.keyHeads {
            workers.run(tasks: attention.blockCount) { _, block in attention.pack(keyHead: keyHead, block: block) }
            workers.run(tasks: group * blocks.count) { worker, task in
                attention.run(
                    head: keyHead * group + task / blocks.count, blocks[task % blocks.count],
                    scratch: memory + worker * attention.scratchFloats)
            }
        }
    }
}
