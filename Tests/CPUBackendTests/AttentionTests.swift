import CPUBackend
import TensorCore
import Testing

/// What attention does with values that are no numbers, in every arithmetic of this CPU.
struct AttentionTests {
    @Test(arguments: [ComputePrecision.float32, .bfloat16, .int8], [64, 80])
    func aKeyThatIsNoNumberIsSeen(_ compute: ComputePrecision, _ headSize: Int) throws {
        let backend = CPUBackend(threads: 1, compute: compute)
        let (queries, keys) = (130, 600)
        var generator = SplitMix(state: 5)
        func values(_ rows: Int) -> [Float] { (0..<rows * headSize).map { _ in generator.unit() } }
        let query = try backend.upload(values(queries), [queries, headSize])
        let value = try backend.upload(values(keys), [keys, headSize])
        var key = values(keys)
        // The first query sees the keys before it, the last query all of them.
        let layout = AttentionLayout(heads: 1, headSize: headSize, mask: .causal(queryOffset: keys - queries))
        key[(keys - queries + 100) * headSize + 7] = .nan
        let output = try backend.download(
            backend.attention(query, backend.upload(key, [keys, headSize]), value, layout))
        for row in 0..<queries {
            let found = output[row * headSize..<(row + 1) * headSize]
            #expect(found.allSatisfy(\.isFinite) == (row < 100) && found.allSatisfy(\.isNaN) == (row >= 100), "\(row)")
        }
    }
}
