import CKernels
import TensorCore

extension CPUBackend {
    /// The product in bfloat16: the input is rounded once, the weight is read where it lies.
    /// False if oneDNN cannot do it.
    func bfloat16Product(
        _ input: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation, _ output: Tensor
    ) throws(TensorError) -> Bool {
        let (rows, depth, columns) = (input.shape[0], input.shape[1], output.shape[1])
        let splitsRows = rows >= columns
        let parts = pieces(splitsRows ? rows : columns)
        let widest = parts.map(\.count).max() ?? 0
        var products: [Int: MatrixProduct] = [:]
        for count in Set(parts.map(\.count)) {
            let key = MatrixProduct.Key(
                rows: splitsRows ? count : rows, columns: splitsRows ? columns : count, depth: depth,
                inputStride: depth, weightStride: depth, outputStride: columns)
            guard let product = matrixProducts.bfloat16(key) else { return false }
            products[count] = product
        }
        let rounded = try allocate(input.shape, .bfloat16, operation: "linear")
        round(input, into: rounded)
        let scratchBytes = max(products[widest]?.scratchBytes ?? 0, 64)
        let scratch = try allocate([parts.count, scratchBytes], .uint8, operation: "linear")
        let (x, w, y) = (rounded.rawPointer, weight.rawPointer, output.floats)
        workers.run(tasks: parts.count) { _, task in
            let part = parts[task]
            let rowRange = splitsRows ? part : 0..<rows
            let columnRange = splitsRows ? 0..<columns : part
            let done = products[part.count]?.execute(
                input: x + rowRange.lowerBound * depth * 2, weight: w + columnRange.lowerBound * depth * 2,
                output: y + rowRange.lowerBound * columns + columnRange.lowerBound,
                scratch: scratch.rawPointer + task * scratchBytes)
            precondition(done == true, "oneDNN failed in a product that it had prepared")
            finish(output, rowRange, columnRange, bias, activation)
        }
        return true
    }

    /// One piece a worker, of whole vectors of columns.
    private func pieces(_ extent: Int) -> [Range<Int>] {
        let count = max(1, min(workers.count, extent / 16))
        let bounds = (0...count).map { $0 == count ? extent : extent * $0 / count / 16 * 16 }
        return zip(bounds, bounds.dropFirst()).map { $0..<$1 }
    }

    /// Rounds float32 elements to bfloat16.
    func round(_ input: Tensor, into output: Tensor) {
        let (from, to) = (input.floats, output.rawPointer.assumingMemoryBound(to: UInt16.self))
        workers.split(input.elementCount, grain: 65536) { _, range in
            mica_narrow_bf16(from + range.lowerBound, to + range.lowerBound, range.count)
        }
    }
}
