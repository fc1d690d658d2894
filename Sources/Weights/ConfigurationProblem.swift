/// What makes a configuration file unusable; keys are written as paths: `rope_scaling.mrope_section[1]`.
public enum ConfigurationProblem: Error, Sendable, Equatable, CustomStringConvertible {
    case notJSON
    case missingKey(String)
    case wrongType(key: String, expected: String, isNull: Bool)
    case unsuitableValue(key: String, reason: String)

    public var description: String {
        switch self {
        case .notJSON: "is not valid JSON"
        case .missingKey(let key): "the key '\(key.quotable)' is missing"
        case .wrongType("", let expected, _): "must hold \(expected)"
        case .wrongType(let key, let expected, true): "'\(key.quotable)' is null, but must be \(expected)"
        case .wrongType(let key, let expected, false): "'\(key.quotable)' must be \(expected)"
        case .unsuitableValue(let key, let reason): "'\(key.quotable)' cannot be used: \(reason.quotable)"
        }
    }
}
