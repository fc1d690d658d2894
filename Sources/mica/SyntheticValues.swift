import TensorCore

/// Pseudo-random numbers for benchmarks, the same in every run.
enum SyntheticValues {
    /// Values before they come again: a prime, so that rows of a matrix differ.
    private static let period = 65_521

    /// At most a period of values, evenly spread over -`bound`...`bound` around `centre`.
    static func pattern(count: Int, bound: Float, centre: Float = 0) -> [Float] {
        var state: UInt32 = 0x9E37_79B9
        return (0..<min(count, period)).map { _ in
            // Knuth and Lewis's linear congruential generator; the upper bits are the good ones.
            state = state &* 1_664_525 &+ 1_013_904_223
            return centre + bound * (Float(state >> 8) * 0x1p-23 - 1)
        }
    }

    /// A tensor of pseudo-random values between -`bound` and `bound`; on a meter, of nothing.
    static func tensor(
        _ shape: Shape, bound: Float = 1.7, on backend: any Backend
    ) throws(TensorError) -> Tensor {
        guard !(backend is Meter) else { return try backend.empty(shape) }
        let pattern = pattern(count: shape.elementCount, bound: bound)
        var values: [Float] = []
        values.reserveCapacity(shape.elementCount + pattern.count)
        while values.count < shape.elementCount { values.append(contentsOf: pattern) }
        values.removeLast(values.count - shape.elementCount)
        return try backend.upload(values, shape)
    }

    /// Cosines and sines of pseudo-random angles for `rows` tokens.
    static func rotary(
        rows: Int, headSize: Int, pairing: Rotary.Pairing, on backend: any Backend
    ) throws(TensorError) -> Rotary {
        let shape: Shape = [rows, headSize / 2]
        let sines = try tensor(shape, bound: 1, on: backend)
        guard !(backend is Meter) else { return Rotary(cosines: sines, sines: sines, pairing: pairing) }
        let cosines = try backend.download(sines).map { (1 - $0 * $0).squareRoot() }
        return Rotary(cosines: try backend.upload(cosines, shape), sines: sines, pairing: pairing)
    }
}
