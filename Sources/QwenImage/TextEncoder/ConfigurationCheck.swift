/// Checks what a configuration file says, and names the file and the key when it cannot be right.
struct ConfigurationCheck {
    /// The file as messages call it: `text_encoder/config.json`.
    let file: String

    /// The value or, if the key is missing, its default. Throws `model` if there is neither, or the value is outside of
    /// the range.
    func value(
        _ key: String, _ value: Int?, _ range: ClosedRange<Int>, default fallback: Int? = nil
    ) throws(PipelineError) -> Int {
        guard let value = value ?? fallback else { throw missing(key) }
        try require(
            range.contains(value), "\(key) is \(value), but must be \(range.lowerBound) to \(range.upperBound)")
        return value
    }

    /// As above, for a number with a fraction.
    func value(
        _ key: String, _ value: Double?, _ range: ClosedRange<Double>, default fallback: Double? = nil
    ) throws(PipelineError) -> Double {
        guard let value = value ?? fallback else { throw missing(key) }
        try require(
            range.contains(value), "\(key) is \(value), but must be \(range.lowerBound) to \(range.upperBound)")
        return value
    }

    /// As above, rounded to float32.
    func value(
        _ key: String, _ value: Double?, _ range: ClosedRange<Double>, default fallback: Double? = nil
    ) throws(PipelineError) -> Float {
        let wide: Double = try self.value(key, value, range, default: fallback)
        return Float(wide)
    }

    /// Throws `model` with the problem unless the condition holds.
    func require(_ condition: Bool, _ problem: @autoclosure () -> String) throws(PipelineError) {
        guard condition else { throw .model(file: file, problem: problem()) }
    }

    private func missing(_ key: String) -> PipelineError {
        .model(file: file, problem: "the key '\(key)' is missing")
    }
}
