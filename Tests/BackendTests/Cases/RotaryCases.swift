import Glibc
import TensorCore

/// The norm and rotation of heads: both pairings, with and without either.
enum RotaryCases {
    static var all: [OperationCase] {
        var cases: [OperationCase] = []
        // rows, heads, head size; the last is large enough for several threads.
        for (rows, heads, size) in [
            (1, 1, 2), (3, 2, 6), (5, 3, 16), (2, 1, 80), (0, 2, 8), (17, 5, 128), (140, 6, 128),
        ] {
            for pairing in [Rotary.Pairing.adjacent, .halves] {
                for hasWeight in [true, false] {
                    cases.append(headNormRotary(rows, heads, size, hasWeight: hasWeight, pairing))
                }
            }
            cases.append(headNormRotary(rows, heads, size, hasWeight: true, nil))
            cases.append(headNormRotary(rows, heads, size, hasWeight: false, nil))
        }
        return cases
    }

    /// `pairing` nil leaves the rotation out.
    private static func headNormRotary(
        _ rows: Int, _ heads: Int, _ size: Int, hasWeight: Bool, _ pairing: Rotary.Pairing?
    ) -> OperationCase {
        let epsilon: Float = 1e-6
        let angles = SeededValues.uniform(rows * size / 2, seed: 11, amplitude: 100)
        let rotation: [Operand] =
            pairing == nil
            ? []
            : [
                .activation([rows, size / 2], .values(angles.map(cosf))),
                .activation([rows, size / 2], .values(angles.map(sinf))),
            ]
        return OperationCase(
            description: "head norm [\(rows), \(heads) x \(size)]\(hasWeight ? " with weight" : ""), "
                + (pairing.map { "\($0)" } ?? "no rotation"),
            operands: [.activation([rows, heads * size]), .parameter([size])] + rotation, output: .over(0),
            operation: { operands, output in
                .headNormRotary(
                    tensor: output, headSize: size, weight: hasWeight ? operands[1] : nil, epsilon: epsilon,
                    rotary: pairing.map { Rotary(cosines: operands[2], sines: operands[3], pairing: $0) })
            },
            reference: { values in
                Reference.headNormRotary(
                    values[0], heads: heads, headSize: size, weight: hasWeight ? values[1] : nil, epsilon: epsilon,
                    angles: pairing == nil ? nil : (values[2], values[3]), pairing ?? .adjacent)
            })
    }
}
