import CKernels
import TensorCore

extension CPUBackend {
    /// Output rows that a task computes: the input rows above and below are prepared once more for each task.
    private static let stripRows = 16
    /// Output channels of a panel packed in bfloat16.
    private static let bfloat16Width = 32

    /// A convolution's weight, packed for `directConvolution`: [panels, kernel, kernel, channels, width of a panel],
    /// bfloat16 (two channels side by side) or float32. Nil on a CPU without these products.
    func packedConvolutionWeight(_ source: Tensor, time: Int) throws(TensorError) -> Tensor? {
        let (outputs, inputs, kernel) = (source.shape[0], source.shape[1], source.shape[-1])
        let isBFloat16 = multipliesBFloat16 && inputs % 2 == 0
        guard isBFloat16 || instructions != .portable, source.shape[-2] == kernel else { return nil }
        let width = isBFloat16 ? Self.bfloat16Width : instructions.panelWidth
        let panels = (outputs + width - 1) / width
        let result = try allocate(
            [panels, kernel, kernel, inputs, width], isBFloat16 ? .bfloat16 : .float32,
            operation: "a convolution's weight")
        let area = kernel * kernel
        let planes = inputs * time * area
        let panelBytes = result.shape.rowElementCount * result.dtype.byteCount
        workers.run(tasks: panels) { _, panel in
            let first = panel * width
            let count = min(width, outputs - first)
            let target = result.rawPointer + panel * panelBytes
            if isBFloat16 {
                mica_pack_convolution_bf16(
                    source.floats + first * planes, count, inputs, time, area,
                    target.assumingMemoryBound(to: UInt32.self))
            } else {
                mica_pack_convolution_f32(
                    source.floats + first * planes, count, inputs, time, area, width,
                    target.assumingMemoryBound(to: Float.self))
            }
        }
        return result
    }

    /// Convolution with a packed weight, a strip of rows a task; no patches are laid out, sums are float32.
    func directConvolution(
        _ input: Tensor, _ weight: Tensor, _ bias: Tensor, _ geometry: ConvolutionGeometry, _ addend: Tensor?,
        _ output: Tensor
    ) throws(TensorError) {
        let (height, width, outputs) = (output.shape[0], output.shape[1], output.shape[2])
        precondition(weight.shape[3] == input.shape[2] && weight.shape[1] == geometry.kernel)
        if WinogradConvolution.suits(weight, geometry, height * width, instructions) {
            return try winogradConvolution(input, weight, bias, geometry, addend, output)
        }
        let strips = (height + Self.stripRows - 1) / Self.stripRows
        let strip = PaddedStrip(input: input, geometry: geometry, outputRows: Self.stripRows, dtype: weight.dtype)
        let scratch = try allocate(
            [min(workers.count, strips), strip.elementCount], weight.dtype, operation: "convolution")
        let stripBytes = strip.elementCount * weight.dtype.byteCount
        workers.run(tasks: strips) { worker, task in
            let first = task * Self.stripRows
            let rows = min(Self.stripRows, height - first)
            let padded = scratch.rawPointer + worker * stripBytes
            strip.fill(padded, firstOutputRow: first, rows: rows)
            let addend = addend.map { UnsafePointer($0.floats + first * width * outputs) }
            let result = output.floats + first * width * outputs
            if weight.dtype == .bfloat16 {
                mica_convolve_rows_bf16(
                    padded.assumingMemoryBound(to: UInt32.self), strip.width, input.shape[2] / 2, geometry.kernel,
                    geometry.stride, weight.rawPointer.assumingMemoryBound(to: UInt32.self), bias.floats, addend, rows,
                    width, outputs, result)
            } else {
                instructions.convolveRows(
                    padded.assumingMemoryBound(to: Float.self), inputWidth: strip.width, units: input.shape[2],
                    kernel: geometry.kernel, stride: geometry.stride, panels: weight.floats, bias: bias.floats,
                    addend: addend, rows: rows, width: width, outputs: outputs, output: result)
            }
        }
    }
}
