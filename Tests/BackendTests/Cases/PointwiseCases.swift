import TensorCore

/// The operations that work element by element or by channel.
enum PointwiseCases {
    /// On both sides of vectors; the last is large enough for several threads.
    private static let shapes: [Shape] = [[1], [15], [3, 5], [17, 33], [0, 4], [2, 3, 5, 7], [700, 129]]
    private static let rowShapes: [Shape] = [[1, 1], [3, 5], [17, 33], [0, 4], [2, 3072], [700, 129]]

    static var activate: [OperationCase] {
        let activations: [Activation] = [.none, .silu, .geluTanh, .gelu]
        return shapes.flatMap { shape in
            activations.map { activation in
                OperationCase(
                    description: "activate \(shape), \(activation)",
                    operands: [.activation(shape, .uniform(amplitude: 8))], output: .new(shape), mayOverwrite: [0],
                    magnitude: 1,
                    operation: { .activate(input: $0[0], activation: activation, output: $1) },
                    reference: { Reference.activate($0[0], activation) })
            }
        }
    }

    static var siluGate: [OperationCase] {
        shapes.map { shape in
            OperationCase(
                description: "silu gate \(shape)",
                operands: [.activation(shape, .uniform(amplitude: 8)), .activation(shape)], output: .new(shape),
                mayOverwrite: [0],
                operation: { .siluGate(gate: $0[0], up: $0[1], output: $1) },
                reference: { Reference.siluGate($0[0], $0[1]) })
        }
    }

    static var accumulate: [OperationCase] {
        rowShapes.flatMap { shape in
            [true, false].map { isGated in
                OperationCase(
                    description: "accumulate \(shape)\(isGated ? " gated" : "")",
                    operands: [.activation(shape), .activation(shape), .parameter([shape[1]])], output: .over(0),
                    operation: { .accumulate(target: $1, addend: $0[1], gate: isGated ? $0[2] : nil) },
                    reference: { Reference.accumulate($0[0], $0[1], gate: isGated ? $0[2] : nil) })
            }
        }
    }

    static var channelAffine: [OperationCase] {
        (rowShapes + [[3, 5, 16], [7]]).map { shape in
            OperationCase(
                description: "channel affine \(shape)",
                operands: [.activation(shape), .parameter([shape[-1]]), .parameter([shape[-1]])], output: .new(shape),
                operation: { .channelAffine(input: $0[0], scale: $0[1], shift: $0[2], output: $1) },
                reference: { Reference.channelAffine($0[0], scale: $0[1], shift: $0[2]) })
        }
    }

    static var eulerStep: [OperationCase] {
        shapes.map { shape in
            OperationCase(
                description: "euler step \(shape)",
                operands: [.activation(shape), .activation(shape)], output: .over(0),
                operation: { .eulerStep(latents: $1, prediction: $0[1], delta: -0.0371) },
                reference: { values in
                    zip(values[0], values[1]).map { Double($0) + Double(-0.0371 as Float) * Double($1) }
                })
        }
    }

    static var copy: [OperationCase] {
        shapes.map { shape in
            OperationCase(
                description: "copy \(shape)", operands: [.activation(shape)], output: .new([shape.elementCount]),
                operation: { .copy(input: $0[0], output: $1) }, reference: { $0[0].map(Double.init) })
        }
    }

    static var guidance: [OperationCase] {
        var zeroRow = SeededValues.uniform(4 * 33, seed: 3)
        for index in 33..<66 { zeroRow[index] = 0 }
        let random = rowShapes.flatMap { shape in
            [guidance(shape, scale: 4, normalize: true), guidance(shape, scale: 2.5, normalize: false)]
        }
        return random + [
            guidance([4, 33], scale: 1, normalize: true),
            guidance([4, 33], scale: 0, normalize: false),
            // The positive's row alone is zero: the combination gets norm zero. Both are zero: 0 / 0, NaN as upstream.
            guidance([4, 33], scale: 4, normalize: true, zeroRow, nil, "zero positive row"),
            guidance([4, 33], scale: 4, normalize: true, zeroRow, zeroRow, "zero rows"),
            guidance([4, 33], scale: 4, normalize: false, zeroRow, zeroRow, "zero rows"),
        ]
    }

    private static func guidance(
        _ shape: Shape, scale: Float, normalize: Bool, _ positive: [Float]? = nil, _ negative: [Float]? = nil,
        _ note: String = ""
    ) -> OperationCase {
        OperationCase(
            description: "guidance \(shape) scale \(scale)\(normalize ? " normalized" : "") \(note)",
            operands: [
                .activation(shape, positive.map { .values($0) } ?? .uniform()),
                .activation(shape, negative.map { .values($0) } ?? .uniform()),
            ],
            output: .new(shape),
            operation: { operands, output in
                .guidance(
                    positive: operands[0], negative: operands[1], scale: scale, normalize: normalize, output: output)
            },
            reference: { values in
                Reference.guidance(values[0], values[1], columns: shape[1], scale: scale, normalize: normalize)
            })
    }
}
