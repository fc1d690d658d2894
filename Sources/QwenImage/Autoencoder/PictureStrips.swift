import TensorCore

/// Runs of rows of a picture, so that what lies between two steps of the autoencoder exists for a part of it at a time.
///
/// A 3x3 convolution needs one row more on either side; a strip has it from its neighbours, and zeros at the picture's
/// edges. The result is that of the whole picture.
struct PictureStrips: Sequence {
    /// One strip of a convolution's output.
    struct Strip {
        /// Of the output.
        let rows: Range<Int>
        /// Of the input: those rows and the neighbours that there are.
        let inputRows: Range<Int>
        /// 3x3, with zeros above and below only where the picture ends.
        let geometry: ConvolutionGeometry
    }

    /// Bytes of the input's strip; a large picture is cut, a small one is not.
    private static let stripBytes = 32 << 20
    /// Rows are cut at multiples of this, which backends share out.
    private static let multiple = 16

    private let height: Int
    private let stripRows: Int

    /// - Parameter rowBytes: of one row of the convolution's input.
    init(height: Int, rowBytes: Int) {
        self.height = height
        stripRows = Swift.max(Self.stripBytes / Swift.max(rowBytes, 1) / Self.multiple, 1) * Self.multiple
    }

    func makeIterator() -> AnyIterator<Strip> {
        var start = 0
        return AnyIterator {
            guard start < height else { return nil }
            let rows = start..<Swift.min(start + stripRows, height)
            start = rows.upperBound
            let input = Swift.max(rows.lowerBound - 1, 0)..<Swift.min(rows.upperBound + 1, height)
            let geometry = ConvolutionGeometry(
                kernel: 3, top: input.lowerBound == rows.lowerBound ? 1 : 0, left: 1,
                bottom: input.upperBound == rows.upperBound ? 1 : 0, right: 1)
            return Strip(rows: rows, inputRows: input, geometry: geometry)
        }
    }
}

extension Backend {
    /// The VAE's norm, SiLU and a 3x3 convolution of [H, W, Cin] to [H, W, Cout], plus `addend`, over which the result
    /// may be written. The normed picture exists in strips only.
    @discardableResult
    func normConvolution(
        _ input: Tensor, gamma: Tensor, _ layer: Convolution, addend: Tensor? = nil, into output: Tensor? = nil
    ) throws(TensorError) -> Tensor {
        let (height, width) = (input.shape[0], input.shape[1])
        var target = output
        if target == nil { target = try empty([height, width, layer.bias.shape[0]]) }
        guard let target else { preconditionFailure("no room for a convolution") }
        for strip in PictureStrips(height: height, rowBytes: input.byteCount / height) {
            let normed = try channelNorm(input.rows(strip.inputRows), gamma: gamma, activation: .silu)
            try convolution(
                normed, layer, strip.geometry, addend: addend?.rows(strip.rows), into: target.rows(strip.rows))
        }
        return target
    }

    /// Each pixel four times, then a 3x3 convolution: [H, W, Cin] to [2H, 2W, Cout]. The enlarged picture exists in
    /// strips only.
    func upsampledConvolution(_ input: Tensor, _ layer: Convolution) throws(TensorError) -> Tensor {
        let (height, width) = (2 * input.shape[0], 2 * input.shape[1])
        let output = try empty([height, width, layer.bias.shape[0]])
        for strip in PictureStrips(height: height, rowBytes: 2 * input.byteCount / input.shape[0]) {
            let source = (strip.inputRows.lowerBound / 2)..<((strip.inputRows.upperBound + 1) / 2)
            let enlarged = try upsampleNearest(input.rows(source))
            let first = strip.inputRows.lowerBound - 2 * source.lowerBound
            try convolution(
                enlarged.rows(first..<(first + strip.inputRows.count)), layer, strip.geometry,
                into: output.rows(strip.rows))
        }
        return output
    }
}
