import TensorCore

/// A convolution at hand.
struct ConvolutionWork {
    let input: Tensor
    let bias: Tensor
    let geometry: ConvolutionGeometry
    /// The input as it lies, or in the operands' type where it is its own patches.
    let source: View
    let weight: View
    /// What the convolution is written to, or added to.
    let target: View
    /// True if the target holds what is added.
    let isInPlace: Bool
    let outputWidth: Int
    let columns: Int
    let pixels: Int
    let operands: Elements
    /// Patches of so many output pixels exist at once, as rows of `depth`.
    let run: Int

    var channels: Int { input.shape[2] }
    var depth: Int { geometry.kernel * geometry.kernel * channels }
}

extension CUDABackend {
    /// Patches are laid out for so many bytes of output pixels at once.
    private static let patchBytes = 128 << 20

    /// By cuDNN where that is the faster way, else patches of a run of output pixels as rows, multiplied with the
    /// weight; a 1x1 kernel needs no patches. Memory is that of the patches in either case, so that forecasts hold
    /// before and after the ways are compared.
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
        // Whole rows of eight pixels keep the addresses of all runs aligned as the first one's.
        let run = min(pixels, max(Self.patchBytes / (depth * operands.byteCount) / 8 * 8, 8))
        let work = ConvolutionWork(
            input: input, bias: bias, geometry: geometry,
            source: geometry.isPointwise ? try readable(input, as: operands) : try view(input),
            weight: try view(weight), target: target,
            // What is added must not be overwritten before it was.
            isInPlace: addend?.storage === output.storage, outputWidth: output.shape[1], columns: columns,
            pixels: pixels, operands: operands, run: run)
        let patches = geometry.isPointwise ? nil : try scratch(run * depth, operands, operation: "convolution")
        let sums = work.isInPlace ? try scratch(run * columns, target.elements, operation: "convolution") : nil
        var isDone = false
        if let patches { isDone = try libraryConvolution(work, in: patches, sums) }
        if !isDone { try patchConvolution(work, patches, sums, addsInPlace: true) }
        if let addend, !work.isInPlace { try accumulate(output, addend, nil) }
    }

    /// By patches, a run after the other.
    ///
    /// - Parameters:
    ///   - patches: room for a run's, or nil if the input's pixels are them.
    ///   - sums: room for a run's result, if that is added to the target; not added, it is forgotten.
    func patchConvolution(
        _ work: ConvolutionWork, _ patches: CUDAStorage?, _ sums: CUDAStorage?, addsInPlace: Bool
    ) throws(TensorError) {
        for start in stride(from: 0, to: work.pixels, by: work.run) {
            let pixels = start..<min(start + work.run, work.pixels)
            let part = View(
                address: work.target.address + UInt64(start * work.columns * work.target.elements.byteCount),
                elements: work.target.elements)
            let result = sums.map { View(address: $0.address, elements: part.elements) } ?? part
            try patchProduct(work, pixels, patches.map { View(address: $0.address, elements: work.operands) }, result)
            if work.isInPlace, addsInPlace { try addScaled(part, result, 1, pixels.count * work.columns) }
        }
    }

    /// `result = patches · weightᵀ + bias` of some output pixels.
    func patchProduct(
        _ work: ConvolutionWork, _ pixels: Range<Int>, _ patches: View?, _ result: View
    ) throws(TensorError) {
        let depth = work.depth
        let rows =
            patches
            ?? View(
                address: work.source.address + UInt64(pixels.lowerBound * depth * work.operands.byteCount),
                elements: work.operands)
        if patches != nil {
            let (shape, geometry) = (work.input.shape, work.geometry)
            let vector = vectorWidth(work.channels, work.source, rows)
            try launch(
                .elements, "patches_\(vector)", .rows(pixels.count, pieces: depth / vector), work.source, rows,
                Int64(pixels.lowerBound), Int64(pixels.count), Int32(shape[0]), Int32(shape[1]), Int32(shape[2]),
                Int32(geometry.kernel), Int32(geometry.stride), Int32(geometry.top), Int32(geometry.left),
                Int32(work.outputWidth))
        }
        try product(
            Product(
                rows: pixels.count, columns: work.columns, depth: depth, input: rows, weight: work.weight,
                bias: work.bias, activation: .none), result)
    }
}

extension ConvolutionGeometry {
    /// True if an output pixel sees the one input pixel in its place.
    fileprivate var isPointwise: Bool { kernel == 1 && stride == 1 && top + left == 0 && bottom + right == 0 }
}
