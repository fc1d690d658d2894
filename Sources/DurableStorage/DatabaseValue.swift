/// A value of a column or of a parameter.
public enum DatabaseValue: Sendable, Equatable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    /// The integer, if it is one.
    public var integer: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }

    /// The number, if it is one.
    public var real: Double? {
        switch self {
        case .real(let value): value
        case .integer(let value): Double(value)
        case .null, .text, .blob: nil
        }
    }

    /// The text, if it is one.
    public var text: String? {
        if case .text(let value) = self { value } else { nil }
    }

    /// The bytes, if they are a blob.
    public var blob: [UInt8]? {
        if case .blob(let value) = self { value } else { nil }
    }
}

extension DatabaseValue {
    /// An integer or null.
    public static func optional(_ value: Int64?) -> DatabaseValue { value.map { .integer($0) } ?? .null }
    /// A text or null.
    public static func optional(_ value: String?) -> DatabaseValue { value.map { .text($0) } ?? .null }
    /// A blob or null.
    public static func optional(_ value: [UInt8]?) -> DatabaseValue { value.map { .blob($0) } ?? .null }
}
