/// The name of what an address holds just now (RFC 9110 section 8.8.3).
struct EntityTag: Sendable {
    /// Whether other bytes that mean the same may have this name.
    let isWeak: Bool
    /// What is between the quotes.
    let opaque: ArraySlice<UInt8>

    /// The tag here, or nil if there is none. A backslash in it is a character like any other.
    init?(_ scanner: inout FieldScanner) {
        var scan = scanner
        isWeak = scan.take(Self.weakMark)
        if isWeak { guard scan.take(Octet.slash) else { return nil } }
        guard scan.take(Octet.quote), let end = scan.rest.firstIndex(of: Octet.quote) else { return nil }
        opaque = scan.rest[..<end]
        scan.skip(to: end + 1)
        scanner = scan
    }

    /// The tag that `text` is, with its quotes; nil if it is none.
    init?(_ text: ArraySlice<UInt8>) {
        var scanner = FieldScanner(text)
        self.init(&scanner)
        guard scanner.isAtEnd else { return nil }
    }

    private static let weakMark: UInt8 = 0x57

    /// Whether both name the same bytes.
    func matchesStrongly(_ other: EntityTag) -> Bool { !isWeak && !other.isWeak && opaque == other.opaque }

    /// Whether both name what means the same.
    func matchesWeakly(_ other: EntityTag) -> Bool { opaque == other.opaque }

    /// Whether a field that is `*` or a list of tags has one that `matches`; nil without the field. What is malformed
    /// matches nothing, and nothing behind it does.
    static func field(_ name: String, _ fields: HeaderFields, has matches: (EntityTag) -> Bool) -> Bool? {
        let values = fields.all(name)
        guard !values.isEmpty else { return nil }
        for value in values {
            var scanner = FieldScanner(value)
            if scanner.take(Octet.asterisk), scanner.isAtEnd { return true }
            while !scanner.isAtEnd {
                scanner.skipBlanks()
                if scanner.take(Octet.comma) { continue }
                guard let tag = EntityTag(&scanner) else { break }
                if matches(tag) { return true }
            }
        }
        return false
    }
}
