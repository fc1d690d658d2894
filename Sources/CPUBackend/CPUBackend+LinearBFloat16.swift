import CKernels
import TensorCore

extension CPUBackend {
    /// The product in bfloat16 by oneDNN: the input is rounded once, the weight is read where it lies.
    /// False if oneDNN cannot do it.
    func libraryProduct(
        _ input: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation, _ output: Tensor
    ) throws(TensorError) -> Bool {
        let split = ProductSplit(rows: input.shape[0], columns: output.shape[1], workers: workers.count)
        let (depth, columns) = (input.shape[1], output.shape[1])
        guard let products = matrixProducts.products(.bfloat16, split, depth: depth) else { return false }
        let rounded = try allocate(input.shape, .bfloat16, operation: "linear")
        round(input, into: rounded)
        let scratch = try allocate([split.parts.count, products.scratchBytes], .uint8, operation: "linear")
        let (x, w, y) = (rounded.rawPointer, weight.rawPointer, output.floats)
        workers.run(tasks: split.parts.count) { _, task in
            let (rowRange, columnRange) = split.ranges(task)
            products.execute(
                part: split.parts[task].count, input: x + rowRange.lowerBound * depth * 2,
                weight: w + columnRange.lowerBound * depth * 2,
                output: y + rowRange.lowerBound * columns + columnRange.lowerBound,
                scratch: scratch.rawPointer + task * products.scratchBytes)
            finish(output, rowRange, columnRange, bias, activation)
        }
        return true
    }

    /// Rounds float32 elements to bfloat16.
    func round(_ input: Tensor, into output: Tensor) {
        let (from, to) = (input.floats, output.rawPointer.assumingMemoryBound(to: UInt16.self))
        workers.split(input.elementCount, grain: 65536) { _, range in
            mica_narrow_bf16(from + range.lowerBound, to + range.lowerBound, range.count)
        }
    }
}
