/// The distance of a float32 result from a reference, as the root of the normalised mean square error.
struct RelativeError {
    /// `‖result - expected‖₂ / ‖expected‖₂` over the finite elements; 0 if the result is exact, infinity if zeros alone
    /// were expected. The divisor is at least what a root mean square of `magnitude` gives.
    let value: Double
    /// The first element that is finite in one and not, or another kind of not finite, in the other.
    let mismatch: Int?

    init(_ result: [Float], _ expected: [Double], magnitude: Double = 0) {
        var difference = 0.0
        var size = 0.0
        var mismatch: Int?
        for index in expected.indices {
            let (value, wanted) = (Double(result[index]), expected[index])
            if !wanted.isFinite || !value.isFinite {
                let agree = wanted.isNaN ? value.isNaN : value == wanted
                if !agree, mismatch == nil { mismatch = index }
                continue
            }
            difference += (value - wanted) * (value - wanted)
            size += wanted * wanted
        }
        self.mismatch = mismatch
        let least = magnitude * magnitude * Double(expected.count)
        value = difference == 0 ? 0 : (difference / max(size, least)).squareRoot()
    }
}
