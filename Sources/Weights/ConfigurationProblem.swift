/// What makes a configuration file unusable; keys are written as paths: `rope_scaling.mrope_section[1]`.
public enum ConfigurationProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// No JSON at all.
    case notJSON(JSONProblem)
    /// JSON, but with a number that its type cannot hold; the decoder does not say which.
    case unsuitableNumber
    /// A key that the type needs.
    case missingKey(String)
    /// A value of another kind than the type has there; an empty key means the whole file.
    case wrongType(key: String, expected: String, isNull: Bool)
    /// A value of the right kind that means nothing here.
    case unsuitableValue(key: String, reason: String)

    /// The problem, as the rest of a line that names the file.
    public var description: String {
        switch self {
        case .notJSON(let problem): "not valid: \(problem)"
        case .unsuitableNumber:
            "a number is too large for its purpose, or a fraction where a whole number is needed"
        case .missingKey(let key): "the key '\(key.quotable)' is missing"
        case .wrongType("", let expected, _): "must hold \(expected)"
        case .wrongType(let key, let expected, true): "'\(key.quotable)' is null, but must be \(expected)"
        case .wrongType(let key, let expected, false): "'\(key.quotable)' must be \(expected)"
        case .unsuitableValue(let key, let reason): "'\(key.quotable)' cannot be used: \(reason.quotable)"
        }
    }
}
