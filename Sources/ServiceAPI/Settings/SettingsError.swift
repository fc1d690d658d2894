/// Why the configuration is refused.
public enum SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A value that is not what the option takes.
    case value(source: String, value: String, expected: String)
    /// An option without the one that belongs to it.
    case missing(key: String, given: String)
    /// A name that is no option.
    case unknownKey(file: String, key: String, known: [String])
    /// An option that is there twice.
    case repeatedKey(file: String, key: String)
    /// The file cannot be read, or is not a YAML mapping of names to values.
    case file(name: String, problem: String)

    public var description: String {
        switch self {
        case .value(let source, let value, let expected): "\(source) is '\(value)', but must be \(expected)"
        case .missing(let key, let given): "\(key) is missing: it belongs to \(given), which is given"
        case .unknownKey(let file, let key, let known):
            "\(file): unknown option '\(key)'; known are \(known.joined(separator: ", "))"
        case .repeatedKey(let file, let key): "\(file): '\(key)' is there twice"
        case .file(let name, let problem): "\(name): \(problem)"
        }
    }
}
