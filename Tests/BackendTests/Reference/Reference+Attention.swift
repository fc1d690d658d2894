import Glibc
import TensorCore

extension Reference {
    /// `softmax(q kᵀ * scale + mask) v` by head, one query at a time.
    static func attention(
        _ query: [Float], _ key: [Float], _ value: [Float], _ layout: AttentionLayout
    ) -> [Double] {
        let size = layout.headSize
        let queryWidth = layout.heads * size
        let keyWidth = layout.keyHeads * size
        let queries = query.count / queryWidth
        let keys = key.count / keyWidth
        let (q, k, v) = (query.map(Double.init), key.map(Double.init), value.map(Double.init))
        var output = [Double](repeating: 0, count: query.count)
        for row in 0..<queries {
            let visible = visibleKeys(of: row, keys, layout.mask)
            for head in 0..<layout.heads {
                let first = row * queryWidth + head * size
                let column = head / (layout.heads / layout.keyHeads) * size
                var weights = visible.map { index in
                    var score = 0.0
                    for d in 0..<size { score += q[first + d] * k[index * keyWidth + column + d] }
                    return score * Double(layout.scale)
                }
                let top = weights.max() ?? 0
                weights = weights.map { exp($0 - top) }
                let sum = weights.reduce(0, +)
                for (index, weight) in zip(visible, weights) {
                    for d in 0..<size { output[first + d] += weight / sum * v[index * keyWidth + column + d] }
                }
            }
        }
        return output
    }

    private static func visibleKeys(of row: Int, _ keys: Int, _ mask: AttentionLayout.Mask) -> Range<Int> {
        switch mask {
        case .none: return 0..<keys
        case .causal(let offset): return 0..<(row + offset + 1)
        case .segments(let boundaries):
            let end = boundaries.firstIndex { $0 > row } ?? boundaries.count - 1
            return boundaries[end - 1]..<boundaries[end]
        }
    }
}
