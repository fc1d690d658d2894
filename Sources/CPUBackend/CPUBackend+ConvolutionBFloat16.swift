import CKernels
import TensorCore

extension CPUBackend {
    /// Output rows that a task computes: the input rows above and below are rounded once more for each task.
    private static let stripRows = 16
    /// Output channels of a packed panel.
    private static let panelChannels = 32

    /// A convolution's weight, packed for `bfloat16Convolution`: [panels, kernel, kernel, channels / 2, 64] bfloat16.
    /// Nil if these products are not to be used, or the input's channels are odd.
    func packedConvolutionWeight(_ source: Tensor, time: Int) throws(TensorError) -> Tensor? {
        let (outputs, inputs, kernel) = (source.shape[0], source.shape[1], source.shape[-1])
        guard multipliesBFloat16, inputs % 2 == 0, source.shape[-2] == kernel else { return nil }
        let panels = (outputs + Self.panelChannels - 1) / Self.panelChannels
        let result = try allocate(
            [panels, kernel, kernel, inputs / 2, 2 * Self.panelChannels], .bfloat16,
            operation: "a convolution's weight")
        let area = kernel * kernel
        let planes = inputs * time * area
        let words = result.rawPointer.assumingMemoryBound(to: UInt32.self)
        workers.run(tasks: panels) { _, panel in
            let first = panel * Self.panelChannels
            mica_pack_convolution(
                source.floats + first * planes, min(Self.panelChannels, outputs - first), inputs, time, area,
                words + panel * area * (inputs / 2) * Self.panelChannels)
        }
        return result
    }

    /// Convolution with products in bfloat16 and sums in float32, a strip of rows a task; no patches are laid out.
    func bfloat16Convolution(
        _ input: Tensor, _ weight: Tensor, _ bias: Tensor, _ geometry: ConvolutionGeometry, _ addend: Tensor?,
        _ output: Tensor
    ) throws(TensorError) {
        let (height, width, channels) = (output.shape[0], output.shape[1], input.shape[2])
        precondition(weight.shape[3] * 2 == channels && weight.shape[1] == geometry.kernel)
        let strips = (height + Self.stripRows - 1) / Self.stripRows
        let strip = PaddedStrip(input: input, geometry: geometry, outputRows: Self.stripRows)
        let scratch = try allocate(
            [min(workers.count, strips), strip.elementCount], .bfloat16, operation: "convolution")
        let memory = scratch.rawPointer.assumingMemoryBound(to: UInt16.self)
        let panels = weight.rawPointer.assumingMemoryBound(to: UInt32.self)
        let outputs = output.shape[2]
        workers.run(tasks: strips) { worker, task in
            let first = task * Self.stripRows
            let rows = min(Self.stripRows, height - first)
            let padded = memory + worker * strip.elementCount
            strip.fill(padded, firstOutputRow: first, rows: rows)
            mica_convolve_rows_bf16(
                padded, strip.width, channels, geometry.kernel, geometry.stride, panels, bias.floats,
                addend.map { UnsafePointer($0.floats + first * width * outputs) }, rows, width, outputs,
                output.floats + first * width * outputs)
        }
    }
}

/// The input rows that some rows of the output need, rounded to bfloat16, with the padding around them.
private struct PaddedStrip {
    let input: Tensor
    let geometry: ConvolutionGeometry
    /// Most rows of the output.
    let outputRows: Int

    /// Pixels of a row, padding included.
    var width: Int { input.shape[1] + geometry.left + geometry.right }
    private var lineElements: Int { width * input.shape[2] }
    var elementCount: Int { ((outputRows - 1) * geometry.stride + geometry.kernel) * lineElements }

    func fill(_ strip: UnsafeMutablePointer<UInt16>, firstOutputRow: Int, rows: Int) {
        let (height, channels) = (input.shape[0], input.shape[2])
        let pixels = input.shape[1] * channels
        for index in 0..<((rows - 1) * geometry.stride + geometry.kernel) {
            let line = strip + index * lineElements
            let row = firstOutputRow * geometry.stride - geometry.top + index
            guard (0..<height).contains(row) else {
                line.update(repeating: 0, count: lineElements)
                continue
            }
            line.update(repeating: 0, count: geometry.left * channels)
            mica_narrow_bf16(input.floats + row * pixels, line + geometry.left * channels, pixels)
            (line + geometry.left * channels + pixels).update(repeating: 0, count: geometry.right * channels)
        }
    }
}
