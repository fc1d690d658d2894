import TensorCore

/// Convolutions, upsampling and permutations.
enum PictureCases {
    private static let sizes = [(1, 1), (1, 7), (5, 3), (2, 2), (13, 10)]
    private static let channelCounts = [1, 3, 4, 33]

    /// Every size with every pair of channels; geometry, checkpoint layout, weight type and addend take turns.
    static var convolution: [OperationCase] {
        let geometries = [
            ConvolutionGeometry.same(kernel: 3), .same(kernel: 1), .downsample,
            ConvolutionGeometry(kernel: 3, stride: 2, top: 1, left: 1, bottom: 1, right: 1),
            ConvolutionGeometry(kernel: 1, stride: 2, top: 0, left: 0, bottom: 0, right: 0),
            ConvolutionGeometry(kernel: 3, top: 0, left: 2, bottom: 2, right: 1),
        ]
        var cases: [OperationCase] = []
        for (height, width) in sizes {
            for inputs in channelCounts {
                for outputs in channelCounts {
                    for geometry in geometries {
                        // A kernel that does not fit into the padded picture has no output.
                        let reach = min(height + geometry.top + geometry.bottom, width + geometry.left + geometry.right)
                        guard reach >= geometry.kernel else { continue }
                        let turn = cases.count
                        cases.append(
                            convolution(
                                [height, width, inputs], outputs, geometry, frames: [nil, 1, 3][turn % 3],
                                [DType.float32, .bfloat16, .float16][turn / 3 % 3], hasAddend: turn % 2 == 0))
                    }
                }
            }
        }
        // Several runs of patches, so that threads share the picture and a run ends inside of a row.
        cases.append(convolution([31, 29, 33], 34, .same(kernel: 3), frames: 3, .bfloat16, hasAddend: true))
        cases.append(convolution([61, 59, 96], 7, .downsample, frames: nil, .float32, hasAddend: false))
        cases.append(convolution([300, 301, 4], 5, .same(kernel: 1), frames: nil, .float32, hasAddend: true))
        // Large enough for transformed tiles: even and odd sides, strips that end inside of a tile, other paddings.
        let shifted = ConvolutionGeometry(kernel: 3, top: 0, left: 2, bottom: 2, right: 1)
        for (height, width) in [(16, 16), (17, 23), (25, 18), (9, 71)] {
            cases.append(convolution([height, width, 16], 34, .same(kernel: 3), frames: 3, .bfloat16, hasAddend: true))
            cases.append(convolution([height, width, 48], 16, shifted, frames: nil, .float32, hasAddend: false))
        }
        cases.append(convolution([18, 17, 272], 7, .same(kernel: 3), frames: nil, .float32, hasAddend: true))
        return cases
    }

    static var upsampleNearest: [OperationCase] {
        ([[1, 1, 1], [1, 7, 3], [5, 3, 33], [0, 3, 4], [3, 0, 4], [90, 17, 49]] as [Shape]).map { shape in
            OperationCase(
                description: "upsample \(shape)", operands: [.activation(shape)],
                output: .new([shape[0] * 2, shape[1] * 2, shape[2]]),
                operation: { .upsampleNearest(input: $0[0], output: $1) },
                reference: { Reference.upsampleNearest($0[0], shape) })
        }
    }

    /// Identity, reversal and every rotation of the axes, and all orders of 3 and 4 axes.
    static var permute: [OperationCase] {
        let shapes: [Shape] = [
            [7], [3, 5], [4, 1, 3], [2, 3, 5, 4], [2, 3, 1, 4, 5], [3, 2, 4, 2, 3, 5], [0, 3, 2], [130, 9, 77],
        ]
        return shapes.flatMap { shape in
            orders(of: shape.rank).map { axes in
                OperationCase(
                    description: "permute \(shape) by \(axes)", operands: [.activation(shape)],
                    output: .new(Shape(axes.map { shape[$0] })),
                    operation: { .permute(input: $0[0], axes: axes, output: $1) },
                    reference: { Reference.permute($0[0], shape, axes) })
            }
        }
    }

    private static func orders(of rank: Int) -> [[Int]] {
        let identity = Array(0..<rank)
        guard rank > 4 else { return allOrders(of: identity) }
        let rotations = identity.map { Array(identity[$0...] + identity[..<$0]) }
        return rotations + rotations.map { $0.reversed() }
    }

    private static func allOrders(of axes: [Int]) -> [[Int]] {
        guard axes.count > 1 else { return [axes] }
        return axes.flatMap { first in allOrders(of: axes.filter { $0 != first }).map { [first] + $0 } }
    }

    /// `frames` nil stands for a checkpoint's weight of 4 axes, otherwise it has 5 and this many time slices.
    private static func convolution(
        _ size: Shape, _ outputs: Int, _ geometry: ConvolutionGeometry, frames: Int?, _ dtype: DType, hasAddend: Bool
    ) -> OperationCase {
        let kernel = geometry.kernel
        let weightShape = Shape([outputs, size[2]] + (frames.map { [$0] } ?? []) + [kernel, kernel])
        let outputShape: Shape = [geometry.outputHeight(size[0]), geometry.outputWidth(size[1]), outputs]
        let addend: [Operand] = hasAddend ? [.activation(outputShape)] : []
        return OperationCase(
            description: "convolution \(size) with \(weightShape) \(dtype.rawValue), stride \(geometry.stride), pads "
                + "\([geometry.top, geometry.left, geometry.bottom, geometry.right])\(hasAddend ? " + addend" : "")",
            operands: [.activation(size), Operand(.convolutionWeight(dtype), weightShape), .parameter([outputs])]
                + addend,
            output: .new(outputShape), mayOverwrite: hasAddend ? [3] : [],
            magnitude: Double(kernel * kernel * size[2]).squareRoot() / 3,
            operation: { operands, output in
                .convolution(
                    input: operands[0], weight: operands[1], bias: operands[2], geometry: geometry,
                    addend: hasAddend ? operands[3] : nil, output: output)
            },
            reference: { values in
                Reference.convolution(
                    values[0], size, weight: values[1], weightShape, bias: values[2], geometry,
                    addend: hasAddend ? values[3] : nil)
            })
    }
}
