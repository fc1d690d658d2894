import TensorCore
import Testing

/// The work of operations as formulas of their shapes, and the memory of a run without data.
struct MeterTests {
    private func work(_ body: (Meter) throws -> Void) rethrows -> Int {
        let meter = Meter()
        try body(meter)
        return meter.floatingPointOperations
    }

    @Test func linearIsTwoAProduct() throws {
        let count = try work { meter in
            let layer = Linear(weight: try meter.empty([7, 5]), bias: try meter.empty([7]))
            let output = try meter.linear(try meter.empty([3, 5]), layer, activation: .silu)
            #expect(output.shape == [3, 7])
        }
        #expect(count == 2 * 3 * 5 * 7)
    }

    /// Two products of D a head for each pair of a query and a key that it sees.
    @Test(arguments: [
        (AttentionLayout.Mask.none, 6 * 10), (.causal(queryOffset: 0), 21), (.causal(queryOffset: 4), 45),
    ])
    func attentionCountsVisiblePairs(_ mask: AttentionLayout.Mask, _ pairs: Int) throws {
        let count = try work { meter in
            let keys = try meter.empty([10, 16])
            let layout = AttentionLayout(heads: 4, keyHeads: 2, headSize: 8, mask: mask)
            #expect(try meter.attention(try meter.empty([6, 32]), keys, keys, layout).shape == [6, 32])
        }
        #expect(count == 4 * 8 * 4 * pairs)
    }

    @Test func segmentsSeeThemselves() throws {
        let count = try work { meter in
            let tokens = try meter.empty([10, 8])
            let layout = AttentionLayout(heads: 1, headSize: 8, mask: .segments([0, 1, 4, 10]))
            try meter.attention(tokens, tokens, tokens, layout)
        }
        #expect(count == 4 * 8 * (1 + 9 + 36))
    }

    @Test func convolutionIsTwoAProduct() throws {
        let count = try work { meter in
            let layer = Convolution(weight: try meter.empty([8, 3, 3, 5]), bias: try meter.empty([8]))
            let output = try meter.convolution(try meter.empty([9, 12, 5]), layer, .downsample)
            #expect(output.shape == [4, 6, 8])
        }
        #expect(count == 2 * 4 * 6 * 8 * 3 * 3 * 5)
    }

    /// The calls of the model make results of the right shapes, count them, and give them back.
    @Test func callsAllocateTheirResults() throws {
        let meter = Meter()
        do {
            let picture = try meter.empty([4, 6, 3])
            let channel = try meter.empty([3])
            #expect(try meter.upsampleNearest(picture).shape == [8, 12, 3])
            #expect(try meter.channelNorm(picture, gamma: channel, activation: .silu).shape == [4, 6, 3])
            #expect(try meter.channelAffine(picture, scale: channel, shift: channel).shape == [4, 6, 3])
            #expect(try meter.permute(picture, [2, 0, 1]).shape == [3, 4, 6])
            #expect(try meter.concatenateRows([picture, picture.rows(1..<2)]).shape == [5, 6, 3])
            let rows = picture.reshaped([24, 3])
            #expect(try meter.gatherRows(rows, [3, 3, 0]).shape == [3, 3])
            #expect(try meter.layerNorm(rows, epsilon: 1e-6).shape == [24, 3])
            #expect(try meter.rmsNorm(rows, weight: channel, epsilon: 1e-6, into: rows).storage === rows.storage)
            #expect(try meter.guidance(positive: rows, negative: rows, scale: 4, normalize: true).shape == [24, 3])
            #expect(try meter.activate(picture, .gelu).shape == picture.shape)
            try meter.siluGate(rows, rows)
            try meter.accumulate(rows, rows, gate: channel)
            try meter.eulerStep(rows, prediction: rows, delta: 1)
            #expect(try meter.download(picture) == [Float](repeating: 0, count: 72))
            #expect(meter.memory.usedBytes == 75 * 4)
        }
        #expect(meter.memory.usedBytes == 0)
        // The picture, the channels, and the largest result: the upsampled picture.
        #expect(meter.memory.peakBytes == (75 + 4 * 72) * 4)
    }

    /// What a device takes for itself is in use from the start, in a rehearsal too.
    @Test func heldBytesCount() throws {
        let meter = Meter(limitBytes: 100, heldBytes: 60)
        #expect(meter.memory == MemoryUse(usedBytes: 60, peakBytes: 60))
        #expect(throws: TensorError.self) { try meter.allocate([11], .float32) }
        #expect(try meter.allocate([10], .float32).byteCount == 40)
        #expect(meter.memory == MemoryUse(usedBytes: 60, peakBytes: 100))
        #expect(meter.rehearsal(limitBytes: nil).memory.usedBytes == 60)
    }
}
