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
        // What is added must not be overwritten before it was.
        let isInPlace = addend?.storage === output.storage
        let w = try view(weight)
        let run = runLength(pixels, depth, geometry, operands)
        let x = geometry.isPointwise ? try readable(input, as: operands) : try view(input)
        let patches = geometry.isPointwise ? nil : try scratch(run * depth, operands, operation: "convolution")
        let sums = isInPlace ? try scratch(run * columns, target.elements, operation: "convolution") : nil
        for start in stride(from: 0, to: pixels, by: run) {
            let count = min(run, pixels - start)
            var rows = View(
                address: x.address + UInt64(start * depth * operands.byteCount), elements: operands)
            if let patches {
                rows = View(address: patches.address, elements: operands)
                let vector = vectorWidth(channels, x, rows)
                try launch(
                    .elements, "patches_\(vector)", .rows(count, pieces: depth / vector), x, rows, Int64(start),
                    Int64(count), Int32(input.shape[0]), Int32(input.shape[1]), Int32(channels), Int32(geometry.kernel),
                    Int32(geometry.stride), Int32(geometry.top), Int32(geometry.left), Int32(output.shape[1]))
            }
            let part = View(
                address: target.address + UInt64(start * columns * target.elements.byteCount),
                elements: target.elements)
            let result = sums.map { View(address: $0.address, elements: target.elements) } ?? part
            try product(
                Product(
                    rows: count, columns: columns, depth: depth, input: rows, weight: w, bias: bias,
                    activation: .none), result)
            if isInPlace { try addScaled(part, result, 1, count * columns) }
        }
        if let addend, !isInPlace { try accumulate(output, addend, nil) }
    }

    /// So many output pixels at once.
    private func runLength(
        _ pixels: Int, _ depth: Int, _ geometry: ConvolutionGeometry, _ operands: Elements
    ) -> Int {
        // Whole rows of eight pixels keep the addresses of all runs aligned as the first one's.
        min(pixels, max(Self.patchBytes / (depth * operands.byteCount) / 8 * 8, 8))
    }
}

extension ConvolutionGeometry {
    /// True if an output pixel sees the one input pixel in its place.
    fileprivate var isPointwise: Bool { kernel == 1 && stride == 1 && top + left == 0 && bottom + right == 0 }
}
