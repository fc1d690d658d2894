import TensorCore

/// Attention: queries and keys on both sides of the blocks (128
/// and 512), every mask, grouped keys, and scores of every size.
enum AttentionCases {
    /// The average of values of both signs over hundreds of keys
    /// is smaller than they are, and so its error counts for more.
    private static let averaging = 2.0

    static var all: [OperationCase] {
        plain + causal + segmented + extreme
    }

    private static var plain: [OperationCase] {
        let queries = [1, 2, 127, 128, 129, 300].map {
            attention($0, 40, AttentionLayout(heads: 2, headSize: 16))
        }
        let keys = [1, 511, 512, 513, 1100].map {
            attention(5, $0, AttentionLayout(heads: 2, headSize: 16))
        }
        let sizes = [2, 16, 64, 128, 384].map {
            attention(19, 70, AttentionLayout(heads: 1, headSize: $0))
        }
        return queries + keys + sizes + [
            attention(0, 4, AttentionLayout(heads: 2, headSize: 4)),
            attention(9, 21, AttentionLayout(heads: 6, keyHeads: 2, headSize: 8)),
            attention(9, 21, AttentionLayout(heads: 5, keyHeads: 1, headSize: 8, scale: 1)),
            attention(300, 1100, AttentionLayout(heads: 4, keyHeads: 2, headSize: 16)),
        ]
    }

    private static var causal: [OperationCase] {
        // Queries, keys, offset: a prefill, a step of decoding, a
        // chunk after a cache, keys beyond the last query's view.
        [(1, 1, 0), (129, 129, 0), (1, 700, 699), (130, 642, 512), (3, 513, 510), (4, 30, 7)].map {
            attention(
                $0.0, $0.1,
                AttentionLayout(heads: 4, keyHeads: 2, headSize: 16, mask: .causal(queryOffset: $0.2)))
        }
    }

    private static var segmented: [OperationCase] {
        [[0, 1], [0, 1, 2, 3], [0, 5, 6, 200], [0, 128, 256], [0, 127, 256, 300], [0, 64, 700]].map { boundaries in
            let rows = boundaries.last ?? 0
            return attention(rows, rows, AttentionLayout(heads: 2, headSize: 16, mask: .segments(boundaries)))
        }
    }

    private static var extreme: [OperationCase] {
        let layout = AttentionLayout(heads: 2, headSize: 64)
        // exp of scores to about 1000 overflows float32; they carry an error of their own size times 2^-24 into exp.
        let large = attention(9, 1100, layout, "large scores", fill: .uniform(amplitude: 35), condition: 300)
        let equal = attention(
            9, 600, layout, "equal scores", fill: .values([Float](repeating: 0, count: 9 * 128)))
        // The largest score of each query stands in the last block, so that every earlier block must be scaled down.
        let rising = attention(
            3, 1100, AttentionLayout(heads: 1, headSize: 2, scale: 1), "rising scores",
            fill: .values([1, 0, 2, 0, 0.5, 0]),
            keys: .values((0..<1100).flatMap { [Float($0) / 64, 0] }))
        let falling = attention(
            3, 1100, AttentionLayout(heads: 1, headSize: 2, scale: 1), "falling scores",
            fill: .values([1, 0, 2, 0, 0.5, 0]),
            keys: .values((0..<1100).flatMap { [Float(1100 - $0) / 64, 0] }))
        // Scores to 1e12 and more: their spacing is far above what exp takes, and a difference to a maximum that was
        // rounded in another way than the score would be of that size. One key takes all.
        let huge = attention(
            4, 1100, AttentionLayout(heads: 1, headSize: 2, scale: 0.1), "huge scores",
            fill: .values([0x1p17, 0, 0x1p20, 0, 0x1p24, 0, -0x1p18, 0]),
            keys: .values((0..<1100).flatMap { [Float($0) * 0x1p16 + 0x1p14, 0] }))
        return [large, equal, rising, falling, huge] + extremeForMany
    }

    /// The same for queries enough that backends pack keys: scores to 34 carry an error of their own size into exp.
    private static var extremeForMany: [OperationCase] {
        let layout = AttentionLayout(heads: 1, headSize: 2, scale: 1)
        let queries = Operand.Fill.values((0..<40).flatMap { [Float($0 % 5) / 2, 0] })
        let rising: [Float] = (0..<1100).flatMap { [Float($0) / 64, 0] }
        let falling: [Float] = (0..<1100).flatMap { [Float(1100 - $0) / 64, 0] }
        return [("rising scores", rising), ("falling scores", falling)].map { note, keys in
            attention(40, 1100, layout, "\(note), many queries", fill: queries, keys: .values(keys), condition: 40)
        }
    }

    private static func attention(
        _ queries: Int, _ keys: Int, _ layout: AttentionLayout, _ note: String = "",
        fill: Operand.Fill = .uniform(amplitude: 2), keys keyFill: Operand.Fill? = nil, condition: Double = averaging
    ) -> OperationCase {
        let queryShape: Shape = [queries, layout.heads * layout.headSize]
        let keyShape: Shape = [keys, layout.keyHeads * layout.headSize]
        let otherFill: Operand.Fill =
            if case .uniform = fill { fill } else { .uniform() }
        return OperationCase(
            description: "attention \(queries) queries, \(keys) keys, \(layout.heads)/\(layout.keyHeads) heads of "
                + "\(layout.headSize), scale \(layout.scale), \(layout.mask) \(note)",
            operands: [
                .activation(queryShape, fill), .activation(keyShape, keyFill ?? otherFill), .activation(keyShape),
            ],
            output: .new(queryShape), condition: condition,
            operation: { .attention(query: $0[0], key: $0[1], value: $0[2], layout: layout, output: $1) },
            reference: { Reference.attention($0[0], $0[1], $0[2], layout) })
    }
}
