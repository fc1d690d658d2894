import CKernels
import TensorCore

/// 3x3 convolutions with stride 1 in float32 by Winograd's F(2x2, 3x3): 4 products an output where the taps take 9.
/// Its rounding keeps to the bound that the operations' tests have for sums of float32; bfloat16 would lose bits in the
/// transforms.
enum WinogradConvolution {
    /// Output rows that a task computes, half of a direct strip: small pictures have strips for all threads.
    static let stripRows = 8
    /// Values of a tile in the transformed domain: 4x4.
    static let points = 16
    /// Fewer outputs than this do not pay for transforming the weight.
    private static let leastPixels = 256

    /// Whether a packed weight [panels, 3, 3, channels, width] is applied this way to an output of so many pixels.
    static func suits(
        _ weight: Tensor, _ geometry: ConvolutionGeometry, _ pixels: Int, _ instructions: HostInstructions
    ) -> Bool {
        weight.dtype == .float32 && geometry.kernel == 3 && geometry.stride == 1 && pixels >= leastPixels
            && weight.shape[3] % (instructions.panelWidth / 2) == 0
    }

    /// Tiles that are transformed at a time: their points and products stay in the second level of cache while the
    /// weight passes; with many channels the weight is the larger one and passes less often.
    static func tilesAtATime(channels: Int) -> Int { channels <= 256 ? 24 : 48 }
}

extension CPUBackend {
    /// The convolution of `directConvolution` where `WinogradConvolution.suits`.
    func winogradConvolution(
        _ input: Tensor, _ weight: Tensor, _ bias: Tensor, _ geometry: ConvolutionGeometry, _ addend: Tensor?,
        _ output: Tensor
    ) throws(TensorError) {
        let (height, width, outputs) = (output.shape[0], output.shape[1], output.shape[2])
        let (panels, channels, panelWidth) = (weight.shape[0], weight.shape[3], weight.shape[4])
        let padded = panels * panelWidth
        let points = try allocate(
            [WinogradConvolution.points, padded * channels], .float32, operation: "a convolution's weight")
        let panel = channels * panelWidth
        workers.run(tasks: panels) { _, index in
            instructions.winogradWeight(
                weight.floats + index * geometry.kernel * geometry.kernel * panel, units: channels,
                points: points.floats + index * panel, pointStride: padded * channels)
        }
        let block = WinogradConvolution.tilesAtATime(channels: max(channels, outputs))
        let strip = PaddedStrip(
            input: input, geometry: geometry, outputRows: WinogradConvolution.stripRows, dtype: .float32,
            extraColumns: width % 2)
        let tileElements =
            WinogradConvolution.points * (block * (channels + padded) + 2 * Int(MICA_WINOGRAD_GAP))
        let strips = (height + WinogradConvolution.stripRows - 1) / WinogradConvolution.stripRows
        let scratch = try allocate(
            [min(workers.count, strips), strip.elementCount + tileElements], .float32, operation: "convolution")
        workers.run(tasks: strips) { worker, task in
            let first = task * WinogradConvolution.stripRows
            let rows = min(WinogradConvolution.stripRows, height - first)
            let lines = scratch.floats + worker * (strip.elementCount + tileElements)
            strip.fill(lines, firstOutputRow: first, rows: rows + rows % 2)
            instructions.winogradRows(
                lines, inputWidth: strip.width, units: channels, points: points.floats, bias: bias.floats,
                addend: addend.map { UnsafePointer($0.floats + first * width * outputs) }, rows: rows, width: width,
                outputs: outputs, block: block, scratch: lines + strip.elementCount,
                output: output.floats + first * width * outputs)
        }
    }
}
