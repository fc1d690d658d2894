import TensorCore

extension CUDABackend {
    /// Patches are laid out for so many bytes of output pixels at once.
    private static let patchBytes = 128 << 20

    /// Patches of a run of output pixels as rows, multiplied with the weight; a 1x1 kernel needs no patches.
    func convolution(
        _ input: Tensor, _ weight: Tensor, _ bias: Tensor, _ geometry: ConvolutionGeometry, _ addend: Tensor?,
        _ output: Tensor
    ) throws(TensorError) {
        let target = try target(output, reading: input, addend)
        let (channels, columns) = (input.shape[2], output.shape[2])
        let pixels = output.shape[0] * output.shape[1]
        let depth = geometry.kernel * geometry.kernel * channels
        guard pixels > 0, columns > 0 else { return }
        let operands: Elements = options.precision == .bfloat16 ? .bfloat16 : .float32
        let w = try view(weight)
        let isPointwise =
            geometry.kernel == 1 && geometry.stride == 1 && geometry.top + geometry.left == 0
            && geometry.bottom + geometry.right == 0
        if isPointwise {
            let x = try readable(input, as: operands)
            try product(
                Product(
                    rows: pixels, columns: columns, depth: depth, input: x, weight: w, bias: bias, activation: .none),
                target)
        } else {
            // Whole rows of eight pixels keep the addresses of all runs aligned as the first one's.
            let run = min(pixels, max(Self.patchBytes / (depth * operands.byteCount) / 8 * 8, 8))
            let x = try view(input)
            let memory = try scratch(run * depth, operands, operation: "convolution")
            let patches = View(address: memory.address, elements: operands)
            let vector = vectorWidth(channels, x, patches)
            for start in stride(from: 0, to: pixels, by: run) {
                let count = min(run, pixels - start)
                try launch(
                    .elements, "patches_\(vector)", .rows(count, pieces: depth / vector), x, patches, Int64(start),
                    Int64(count), Int32(input.shape[0]), Int32(input.shape[1]), Int32(channels), Int32(geometry.kernel),
                    Int32(geometry.stride), Int32(geometry.top), Int32(geometry.left), Int32(output.shape[1]))
                let part = View(
                    address: target.address + UInt64(start * columns * target.elements.byteCount),
                    elements: target.elements)
                try product(
                    Product(
                        rows: count, columns: columns, depth: depth, input: patches, weight: w, bias: bias,
                        activation: .none), part)
            }
        }
        if let addend { try accumulate(output, addend, nil) }
    }
}
