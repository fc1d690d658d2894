/// `type/subtype; name=value` (RFC 9110 section 8.3.1); names in lower case.
public struct MediaType: Sendable {
    /// Lower case: `image` and `png` of `image/png`.
    public let type: String
    public let subtype: String
    /// In order, names in lower case, values unquoted.
    public let parameters: [(name: String, value: String)]

    /// `type/subtype`.
    public var essence: String { "\(type)/\(subtype)" }

    /// The value of a `Content-Type` field, or nil if it is none.
    public init?(_ value: ArraySlice<UInt8>) {
        var scanner = FieldScanner(value.trimmingBlanks)
        guard let found = MediaType(&scanner), scanner.isAtEnd else { return nil }
        self = found
    }

    /// The value of a `Content-Type` field, or nil if it is none.
    public init?(_ value: String) {
        self.init(Array(value.utf8)[...])
    }

    /// Reads up to a comma or the end.
    init?(_ scanner: inout FieldScanner) {
        guard let type = scanner.token(), scanner.take(Octet.slash), let subtype = scanner.token(),
            let parameters = scanner.parameters(.anyByte)
        else { return nil }
        self.type = type.lowercasedText
        self.subtype = subtype.lowercasedText
        self.parameters = parameters.map { ($0.name, $0.value[...].text) }
    }

    /// The first value of a parameter; `name` is in lower case.
    public func parameter(_ name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }
}
