import CKernels
import TensorCore

extension CPUBackend {
    /// A product that was asked for in bfloat16: both operands become integers of 16 bits with a scale for each slice
    /// of a row, which rounds less than bfloat16, and is faster than that or, with AVX2 alone, than float32.
    func pairedProduct(
        _ input: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation, _ output: Tensor
    ) throws(TensorError) {
        let product = PairProduct(
            rows: input.shape[0], depth: input.shape[1], columns: output.shape[1], kernels: pairKernels)
        let packed = try allocate([product.packedWords], .int32, operation: "linear")
        let scratch = try allocate([workers.count, product.scratchWords], .int32, operation: "linear")
        let groups = packed.rawPointer.assumingMemoryBound(to: UInt32.self)
        let weights = WeightRows(weight)
        for turn in product.turns {
            product.pack(turn.count, of: UnsafePointer(input.rows(turn).floats), into: groups, workers)
            product.multiply(
                turn.count, groups, .scaled(weights),
                scratch: scratch.rawPointer.assumingMemoryBound(to: UInt32.self), workers
            ) { found in
                let first = found.rows.lowerBound + turn.lowerBound
                let rows = first..<(first + found.rows.count)
                found.forEachPanel { panel, columns in
                    finishPanel(panel, output, rows, columns, bias, activation)
                }
            }
        }
    }

    /// Bias and activation from a panel's sums [rows, 32] to a rectangle of the output.
    func finishPanel(
        _ sums: UnsafePointer<Float>, _ output: Tensor, _ rows: Range<Int>, _ columns: Range<Int>, _ bias: Tensor?,
        _ activation: Activation
    ) {
        let stride = output.shape[1]
        mica_finish_panel(
            sums, bias.map { UnsafePointer($0.floats + columns.lowerBound) },
            output.floats + rows.lowerBound * stride + columns.lowerBound, stride, rows.count, columns.count,
            activation.kernelCode)
    }
}
