import TensorCore

extension Reference {
    /// Applies `body` to each row of `columns` values and puts the results one under another.
    static func byRow(_ input: [Float], _ columns: Int, _ body: (_ row: [Double]) -> [Double]) -> [Double] {
        stride(from: 0, to: input.count, by: columns).flatMap { first in
            body(input[first..<(first + columns)].map(Double.init))
        }
    }

    /// LayerNorm of rows, then `x * (1 + scale) + shift`.
    static func layerNorm(
        _ input: [Float], columns: Int, epsilon: Float, shift: [Float]?, scale: [Float]?
    ) -> [Double] {
        byRow(input, columns) { row in
            let mean = row.reduce(0, +) / Double(columns)
            let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
            return row.enumerated().map { index, x in
                let y = (x - mean) / (variance + Double(epsilon)).squareRoot()
                return y * (1 + (scale.map { Double($0[index]) } ?? 0)) + (shift.map { Double($0[index]) } ?? 0)
            }
        }
    }

    /// `x / sqrt(mean(x²) + epsilon) * weight` of rows.
    static func rmsNorm(_ input: [Float], weight: [Float], epsilon: Float) -> [Double] {
        byRow(input, weight.count) { row in
            let meanSquare = row.reduce(0) { $0 + $1 * $1 } / Double(row.count)
            return zip(row, weight).map { $0 / (meanSquare + Double(epsilon)).squareRoot() * Double($1) }
        }
    }

    /// `x / max(‖x‖₂, 1e-12) * sqrt(C) * gamma` of pixels, then the activation.
    static func channelNorm(_ input: [Float], gamma: [Float], _ activation: Activation) -> [Double] {
        byRow(input, gamma.count) { pixel in
            let norm = max(pixel.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-12)
            return zip(pixel, gamma).map {
                activate($0 / norm * Double(gamma.count).squareRoot() * Double($1), activation)
            }
        }
    }

    /// RMSNorm of each head if a weight is given, then rotation: pairs (a, b) become (a cos - b sin, a sin + b cos).
    static func headNormRotary(
        _ input: [Float], heads: Int, headSize: Int, weight: [Float]?, epsilon: Float,
        angles: (cosines: [Float], sines: [Float])?, _ pairing: Rotary.Pairing
    ) -> [Double] {
        let normed = weight.map { rmsNorm(input, weight: $0, epsilon: epsilon) } ?? input.map(Double.init)
        guard let angles else { return normed }
        var output = normed
        let pairs = headSize / 2
        for head in 0..<(normed.count / headSize) {
            let row = head / heads
            for pair in 0..<pairs {
                let (one, other) = pairing == .adjacent ? (2 * pair, 2 * pair + 1) : (pair, pair + pairs)
                let (a, b) = (normed[head * headSize + one], normed[head * headSize + other])
                let cosine = Double(angles.cosines[row * pairs + pair])
                let sine = Double(angles.sines[row * pairs + pair])
                output[head * headSize + one] = a * cosine - b * sine
                output[head * headSize + other] = a * sine + b * cosine
            }
        }
        return output
    }

    /// `target + gate * addend`, the gate by column.
    static func accumulate(_ target: [Float], _ addend: [Float], gate: [Float]?) -> [Double] {
        target.indices.map { index in
            Double(target[index]) + (gate.map { Double($0[index % $0.count]) } ?? 1) * Double(addend[index])
        }
    }

    /// `input * scale + shift` by channel.
    static func channelAffine(_ input: [Float], scale: [Float], shift: [Float]) -> [Double] {
        input.indices.map { index in
            Double(input[index]) * Double(scale[index % scale.count]) + Double(shift[index % shift.count])
        }
    }

    /// `negative + scale * (positive - negative)`, rows brought to the norm of the positive's if `normalize`.
    /// A row whose combination is zero divides by zero, as it does upstream.
    static func guidance(
        _ positive: [Float], _ negative: [Float], columns: Int, scale: Float, normalize: Bool
    ) -> [Double] {
        var output: [Double] = []
        for first in stride(from: 0, to: positive.count, by: columns) {
            let row = (first..<(first + columns)).map { index in
                Double(negative[index]) + Double(scale) * (Double(positive[index]) - Double(negative[index]))
            }
            let conditionNorm = positive[first..<(first + columns)].reduce(0) { $0 + Double($1) * Double($1) }
            let combinedNorm = row.reduce(0) { $0 + $1 * $1 }
            let factor = normalize ? (conditionNorm.squareRoot() / combinedNorm.squareRoot()) : 1
            output += row.map { $0 * factor }
        }
        return output
    }
}
