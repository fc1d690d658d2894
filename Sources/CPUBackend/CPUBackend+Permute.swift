import TensorCore

extension CPUBackend {
    /// Copies element by element along the output's innermost
    /// axis; pictures and latents are small beside the arithmetic.
    func permute(_ input: Tensor, _ axes: [Int], _ output: Tensor) {
        var inputStrides = [Int](repeating: 1, count: input.shape.rank)
        for axis in stride(from: input.shape.rank - 2, through: 0, by: -1) {
            inputStrides[axis] = inputStrides[axis + 1] * input.shape[axis + 1]
        }
        let extents = output.shape.dimensions
        let strides = axes.map { inputStrides[$0] }
        guard let inner = extents.last, let innerStride = strides.last, inner > 0 else { return }
        let lines = output.elementCount / inner
        let (from, to) = (input.floats, output.floats)
        workers.split(lines, grain: max(1, 16384 / inner)) { _, range in
            for line in range {
                var rest = line
                var source = 0
                for axis in stride(from: extents.count - 2, through: 0, by: -1) {
                    source += rest % extents[axis] * strides[axis]
                    rest /= extents[axis]
                }
                let target = to + line * inner
                for index in 0..<inner { target[index] = from[source + index * innerStride] }
            }
        }
    }
}
