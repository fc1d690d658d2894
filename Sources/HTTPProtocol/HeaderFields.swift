/// A header section as it came: names in lower case, values without the white space around them, in order.
///
/// All bytes lie in one buffer, so that a request costs two allocations and not two a field.
public struct HeaderFields: Sendable {
    private struct Entry: Sendable {
        var nameStart: Int32
        var valueStart: Int32
        var end: Int32
    }

    private var bytes: [UInt8] = []
    private var entries: [Entry] = []

    private static let usualByteCount = 512
    private static let usualCount = 16

    /// No fields.
    public init() {}

    /// Number of fields.
    public var count: Int { entries.count }

    /// The first value of the field, or nil; `name` is lower-case ASCII.
    public func first(_ name: String) -> ArraySlice<UInt8>? {
        for index in entries.indices where matches(index, name) { return value(index) }
        return nil
    }

    /// Every value of the field, in order; `name` is lower-case ASCII.
    public func all(_ name: String) -> [ArraySlice<UInt8>] {
        var values: [ArraySlice<UInt8>] = []
        for index in entries.indices where matches(index, name) { values.append(value(index)) }
        return values
    }

    /// The elements of a field that is a list, of all fields of that name (RFC 9110 section 5.6.1): what lies between
    /// commas that are not inside of quotes, without blanks around it. `name` is lower-case ASCII.
    public func elements(_ name: String) -> [ArraySlice<UInt8>] {
        all(name).flatMap { Self.elements(of: $0) }
    }

    private static func elements(of value: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var elements: [ArraySlice<UInt8>] = []
        var start = value.startIndex
        var isQuoted = false
        var isEscaped = false
        for position in value.indices {
            let byte = value[position]
            if isEscaped {
                isEscaped = false
            } else if isQuoted, byte == Octet.backslash {
                isEscaped = true
            } else if byte == Octet.quote {
                isQuoted.toggle()
            } else if byte == Octet.comma, !isQuoted {
                elements.append(value[start..<position].trimmingBlanks)
                start = position + 1
            }
        }
        elements.append(value[start...].trimmingBlanks)
        return elements
    }

    /// The first value as text (bytes that are not UTF-8 become U+FFFD), or nil; `name` is lower-case ASCII.
    public subscript(name: String) -> String? { first(name)?.text }

    /// Adds one field of `source`; the name's letters become lower case. The caller bounds how much is added.
    mutating func append(_ source: Span<UInt8>, name: Range<Int>, value: Range<Int>) {
        if entries.isEmpty {
            bytes.reserveCapacity(Self.usualByteCount)
            entries.reserveCapacity(Self.usualCount)
        }
        let nameStart = Int32(truncatingIfNeeded: bytes.count)
        for index in name { bytes.append(source[index].asciiLowercased) }
        let valueStart = Int32(truncatingIfNeeded: bytes.count)
        for index in value { bytes.append(source[index]) }
        entries.append(
            Entry(nameStart: nameStart, valueStart: valueStart, end: Int32(truncatingIfNeeded: bytes.count)))
    }

    /// The value of a field by its place among all.
    func value(_ index: Int) -> ArraySlice<UInt8> {
        let entry = entries[index]
        return bytes[Int(entry.valueStart)..<Int(entry.end)]
    }

    /// Whether the field at a place has this name; `name` is lower-case ASCII.
    func matches(_ index: Int, _ name: String) -> Bool {
        let entry = entries[index]
        let expected = name.utf8
        guard Int(entry.valueStart - entry.nameStart) == expected.count else { return false }
        let span = bytes.span
        var position = Int(entry.nameStart)
        for byte in expected {
            if span[position] != byte { return false }
            position += 1
        }
        return true
    }
}
