extension Backend {
    /// Elements of the products that are added at once, for each of `rowsAtOnce`: enough for a few hundred rows of the
    /// usual widths, so that on a CPU what was just computed is still in the cache when it is added.
    private static var columnsAtOnce: Int { 1024 }

    /// `result += scale * (input · downᵀ) · upᵀ`: input [S, K], result [S, N].
    ///
    /// Beside the stored matrix and never in it: whatever the matrix is stored in stays as it is, and so does a LoRA
    /// of any strength next to weights of few bits, which a sum of the two would round away.
    func add(_ adapter: LowRank, of input: Tensor, to result: Tensor) throws(TensorError) {
        let (rows, columns) = (result.shape[0], result.shape[1])
        let rowsOfPart = max(1, rowsAtOnce * Self.columnsAtOnce / max(columns, 1))
        for first in stride(from: 0, to: rows, by: rowsOfPart) {
            let part = first..<min(first + rowsOfPart, rows)
            let inner = try linear(input.rows(part), Linear(weight: adapter.down, bias: nil))
            let addend = try linear(inner, Linear(weight: adapter.up, bias: nil))
            try execute(.eulerStep(latents: result.rows(part), prediction: addend, delta: adapter.scale))
        }
    }
}
