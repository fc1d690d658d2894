import Weights

/// What can be wrong with a scheduler's configuration or with the schedule asked of it.
public enum SchedulerError: Error, Sendable, Equatable {
    /// The configuration file cannot be read, or is longer than any real one.
    case file(WeightsError)
    /// The configuration file is not the JSON that a scheduler's configuration is.
    case malformed(path: String, detail: String)
    /// An option of the configuration has a value that this scheduler does not carry out.
    case unsupportedOption(name: String, value: String)
    /// Two options of the configuration that exclude each other are both on.
    case conflictingOptions([String])
    /// A number lies outside the range in which it has a meaning.
    case outOfRange(name: String, actual: String, expected: String)
    /// The configuration shifts the schedule by picture size, but no `mu` was given.
    case missingMu
    /// The schedule that follows from the configuration and the arguments holds infinities or NaN.
    case notFinite(step: Int)
}

extension SchedulerError: CustomStringConvertible {
    /// One line for a user, with what to do where that is known.
    public var description: String {
        switch self {
        case .file(let error): error.description
        case .malformed(let path, let detail):
            "the scheduler's configuration \(path) is malformed: \(detail)"
        case .unsupportedOption(let name, let value):
            "the scheduler's option \(name) = \(value) is not supported; use the scheduler_config.json of the model"
        case .conflictingOptions(let names):
            "the scheduler's options \(names.joined(separator: ", ")) exclude each other; set one of them at most"
        case .outOfRange(let name, let actual, let expected):
            "the scheduler's \(name) is \(actual), expected \(expected)"
        case .missingMu:
            "the scheduler has use_dynamic_shifting on and needs mu, which was not given"
        case .notFinite(let step):
            "the scheduler's sigma at step \(step) is not finite; take two steps or more, or check shift,"
                + " shift_terminal, mu and the sigmas given"
        }
    }
}
