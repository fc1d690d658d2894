/// What makes a text unacceptable as the JSON of a header or an index; offsets count bytes from the start of the text.
public enum JSONProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// The text ends inside a value.
    case unexpectedEnd
    /// A byte that cannot stand there.
    case unexpectedByte(UInt8, offset: Int)
    /// A text that is not UTF-8, or a wrong escape in it.
    case invalidText(offset: Int)
    /// A number that is negative, a fraction, written with an exponent or too large.
    case notAnInteger(offset: Int)
    /// A value of another kind than the format has there.
    case wrongType(expected: String, offset: Int)
    /// An object lacks a key.
    case missingKey(String)
    /// An object has a key twice.
    case duplicateKey(String)
    /// An empty key, or one with control characters.
    case keyNotAllowed(String)
    /// Nested beyond the limit.
    case tooDeep(limit: Int)
    /// A text beyond the limit.
    case tooLong(limitBytes: Int, offset: Int)
    /// An object or array beyond the limit.
    case tooManyMembers(limit: Int)

    /// The problem, as the rest of a line that names the file.
    public var description: String {
        switch self {
        case .unexpectedEnd: "the JSON ends too early"
        case .unexpectedByte(let byte, let offset):
            "the JSON has an unexpected byte 0x\(String(byte, radix: 16)) at \(offset)"
        case .invalidText(let offset):
            "the JSON has a text that is not valid UTF-8 or has a wrong escape at \(offset)"
        case .notAnInteger(let offset): "the JSON needs a whole number that is not negative at \(offset)"
        case .wrongType(let expected, let offset): "the JSON needs \(expected) at \(offset)"
        case .missingKey(let key): "the JSON has no '\(key.quotable)'"
        case .duplicateKey(let key): "the JSON has the key '\(key.quotable)' twice"
        case .keyNotAllowed(let key):
            "the JSON has the key '\(key.quotable)', which is empty or holds control characters"
        case .tooDeep(let limit): "the JSON is nested more than \(limit) deep"
        case .tooLong(let limit, let offset): "the JSON has a text of more than \(limit) bytes at \(offset)"
        case .tooManyMembers(let limit): "the JSON has more than \(limit) members in one place"
        }
    }
}
