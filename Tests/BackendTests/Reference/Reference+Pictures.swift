import TensorCore

extension Reference {
    /// Convolution of [H, W, Cin] with a weight [Cout, Cin, kh, kw], or [Cout, Cin, kt, kh, kw] of which the last time
    /// slice counts. What lies outside of the picture is zero.
    static func convolution(
        _ input: [Float], _ size: Shape, weight: [Float], _ weightShape: Shape, bias: [Float],
        _ geometry: ConvolutionGeometry, addend: [Float]?
    ) -> [Double] {
        let (height, width, channels) = (size[0], size[1], size[2])
        let kernel = geometry.kernel
        let time = weightShape.rank == 5 ? weightShape[2] : 1
        let outputs = weightShape[0]
        let (outputHeight, outputWidth) = (geometry.outputHeight(height), geometry.outputWidth(width))
        var output: [Double] = []
        output.reserveCapacity(outputHeight * outputWidth * outputs)
        for pixel in 0..<(outputHeight * outputWidth) {
            let top = pixel / outputWidth * geometry.stride - geometry.top
            let left = pixel % outputWidth * geometry.stride - geometry.left
            for out in 0..<outputs {
                var sum = Double(bias[out]) + (addend.map { Double($0[pixel * outputs + out]) } ?? 0)
                for ky in 0..<kernel where (0..<height).contains(top + ky) {
                    for kx in 0..<kernel where (0..<width).contains(left + kx) {
                        let from = ((top + ky) * width + left + kx) * channels
                        for channel in 0..<channels {
                            let plane = (out * channels + channel) * time + time - 1
                            let factor = weight[(plane * kernel + ky) * kernel + kx]
                            sum += Double(input[from + channel]) * Double(factor)
                        }
                    }
                }
                output.append(sum)
            }
        }
        return output
    }

    /// Each pixel of [H, W, C] four times.
    static func upsampleNearest(_ input: [Float], _ size: Shape) -> [Double] {
        let (height, width, channels) = (size[0], size[1], size[2])
        return (0..<(2 * height)).flatMap { y in
            (0..<(2 * width)).flatMap { x in
                (0..<channels).map { Double(input[(y / 2 * width + x / 2) * channels + $0]) }
            }
        }
    }

    /// The values of a tensor with its axes in another order, by the index of each element.
    static func permute(_ input: [Float], _ shape: Shape, _ axes: [Int]) -> [Double] {
        let extents = axes.map { shape[$0] }
        return input.indices.map { element in
            var rest = element
            var index = [Int](repeating: 0, count: axes.count)
            for axis in axes.indices.reversed() {
                index[axes[axis]] = rest % extents[axis]
                rest /= extents[axis]
            }
            return Double(input[zip(index, shape.dimensions).reduce(0) { $0 * $1.1 + $1.0 }])
        }
    }
}
