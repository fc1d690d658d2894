import TensorCore

/// The norms over rows, and what is special about rows: one element, far from zero, all zeros, none.
enum NormCases {
    /// The last is large enough for several threads.
    static let shapes: [Shape] = [[1, 1], [3, 1], [1, 7], [5, 16], [17, 33], [2, 3072], [0, 8], [700, 129]]

    static var layerNorm: [OperationCase] {
        shapes.flatMap { [layerNorm($0, isModulated: false), layerNorm($0, isModulated: true)] } + [
            layerNorm([4, 64], .values([Float](repeating: 0, count: 256)), "zeros", isModulated: true),
            layerNorm([4, 64], .values([Float](repeating: 3, count: 256)), "constant", isModulated: true),
            // The mean's own rounding shifts the row: it errs by a part of 2^-24 of 1000, beside a deviation of 0.6.
            layerNorm([6, 257], .uniform(center: 1000), "far from zero", isModulated: true, condition: 1000),
            layerNorm([6, 257], .uniform(center: -1000), "far below zero", isModulated: false, condition: 1000),
            // 1e-6 inside of the root counts beside a variance of 3e-9.
            layerNorm([6, 100], .uniform(amplitude: 1e-4), "small", isModulated: false),
            layerNorm([6, 100], .uniform(amplitude: 1e9), "large", isModulated: false),
        ]
    }

    static var rmsNorm: [OperationCase] {
        shapes.map { rmsNorm($0) } + [
            rmsNorm([4, 64], .values([Float](repeating: 0, count: 256)), "zeros"),
            rmsNorm([6, 257], .uniform(center: 1000), "far from zero"),
            rmsNorm([6, 100], .uniform(amplitude: 1e-4), "small"),
            rmsNorm([6, 100], .uniform(amplitude: 1e9), "large"),
        ]
    }

    static var channelNorm: [OperationCase] {
        let activations: [Activation] = [.none, .silu, .geluTanh, .gelu]
        let pictures: [Shape] = [[1, 1, 1], [1, 7, 3], [5, 3, 33], [2, 2, 96], [0, 3, 4], [40, 17, 129]]
        var zeros = SeededValues.uniform(6 * 16, seed: 5)
        for index in 16..<48 { zeros[index] = 0 }
        return pictures.flatMap { picture in activations.map { channelNorm(picture, $0) } } + [
            channelNorm([2, 3, 16], .silu, .values(zeros), "zero pixels"),
            channelNorm([2, 3, 16], .none, .values(zeros), "zero pixels"),
            channelNorm([12, 16], .none, .uniform(amplitude: 1e-10), "small"),
        ]
    }

    private static func layerNorm(
        _ shape: Shape, _ fill: Operand.Fill = .uniform(), _ note: String = "", isModulated: Bool,
        condition: Double = 1
    ) -> OperationCase {
        let epsilon: Float = 1e-6
        let modulation: [Operand] = isModulated ? [.parameter([shape[1]]), .parameter([shape[1]])] : []
        return OperationCase(
            description: "layer norm \(shape)\(isModulated ? " modulated" : "") \(note)",
            operands: [.activation(shape, fill)] + modulation, output: .new(shape), mayOverwrite: [0],
            condition: condition,
            operation: { operands, output in
                .layerNorm(
                    input: operands[0], epsilon: epsilon, shift: isModulated ? operands[1] : nil,
                    scale: isModulated ? operands[2] : nil, output: output)
            },
            reference: { values in
                Reference.layerNorm(
                    values[0], columns: shape[1], epsilon: epsilon, shift: isModulated ? values[1] : nil,
                    scale: isModulated ? values[2] : nil)
            })
    }

    private static func rmsNorm(
        _ shape: Shape, _ fill: Operand.Fill = .uniform(), _ note: String = ""
    ) -> OperationCase {
        let epsilon: Float = 1e-6
        return OperationCase(
            description: "rms norm \(shape) \(note)",
            operands: [.activation(shape, fill), Operand(.parameter(.bfloat16), [shape[1]])], output: .new(shape),
            operation: { .rmsNorm(input: $0[0], weight: $0[1], epsilon: epsilon, output: $1) },
            reference: { Reference.rmsNorm($0[0], weight: $0[1], epsilon: epsilon) })
    }

    private static func channelNorm(
        _ shape: Shape, _ activation: Activation, _ fill: Operand.Fill = .uniform(), _ note: String = ""
    ) -> OperationCase {
        OperationCase(
            description: "channel norm \(shape), \(activation) \(note)",
            operands: [.activation(shape, fill), .parameter([shape[-1]])], output: .new(shape), mayOverwrite: [0],
            operation: { .channelNorm(input: $0[0], gamma: $0[1], activation: activation, output: $1) },
            reference: { Reference.channelNorm($0[0], gamma: $0[1], activation) })
    }
}
