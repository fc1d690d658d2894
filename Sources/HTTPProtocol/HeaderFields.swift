/// A header section as it came: names in lower case, values without the white space around them, in order.
///
/// All bytes lie in one buffer, so that a request costs two allocations and not two a field.
public struct HeaderFields: Sendable {
    private struct Entry: Sendable {
        var nameStart: Int
        var valueStart: Int
        var end: Int
    }

    private var bytes: [UInt8] = []
    private var entries: [Entry] = []

    /// No fields.
    public init() {}

    /// Number of fields.
    public var count: Int { entries.count }

    /// The first value of the field, or nil; `name` is lower-case ASCII.
    public func first(_ name: String) -> ArraySlice<UInt8>? {
        for entry in entries where matches(entry, name) { return bytes[entry.valueStart..<entry.end] }
        return nil
    }

    /// Every value of the field, in order; `name` is lower-case ASCII.
    public func all(_ name: String) -> [ArraySlice<UInt8>] {
        entries.filter { matches($0, name) }.map { bytes[$0.valueStart..<$0.end] }
    }

    /// The first value as text (bytes that are not UTF-8 become U+FFFD), or nil; `name` is lower-case ASCII.
    public subscript(name: String) -> String? { first(name)?.text }

    /// Adds one field; the name's letters become lower case.
    mutating func append(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>) {
        let nameStart = bytes.count
        for byte in name { bytes.append(byte.asciiLowercased) }
        let valueStart = bytes.count
        bytes.append(contentsOf: value)
        entries.append(Entry(nameStart: nameStart, valueStart: valueStart, end: bytes.count))
    }

    private func matches(_ entry: Entry, _ name: String) -> Bool {
        let expected = name.utf8
        guard entry.valueStart - entry.nameStart == expected.count else { return false }
        var position = entry.nameStart
        for byte in expected {
            if bytes[position] != byte { return false }
            position += 1
        }
        return true
    }
}
