/// Names for the bytes of HTTP, and the character classes of its grammar (RFC 9110 section 5.6, RFC 3986 section 2).
enum Octet {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let quote: UInt8 = 0x22
    static let hash: UInt8 = 0x23
    static let percent: UInt8 = 0x25
    static let ampersand: UInt8 = 0x26
    static let asterisk: UInt8 = 0x2A
    static let plus: UInt8 = 0x2B
    static let comma: UInt8 = 0x2C
    static let hyphen: UInt8 = 0x2D
    static let dot: UInt8 = 0x2E
    static let slash: UInt8 = 0x2F
    static let zero: UInt8 = 0x30
    static let colon: UInt8 = 0x3A
    static let semicolon: UInt8 = 0x3B
    static let equals: UInt8 = 0x3D
    static let question: UInt8 = 0x3F
    static let leftBracket: UInt8 = 0x5B
    static let backslash: UInt8 = 0x5C
    static let rightBracket: UInt8 = 0x5D
    static let delete: UInt8 = 0x7F
}

extension UInt8 {
    var isDigit: Bool { self >= 0x30 && self <= 0x39 }

    var isLetter: Bool { (self | 0x20) >= 0x61 && (self | 0x20) <= 0x7A }

    /// tchar of RFC 9110 section 5.6.2: letters, digits, and `!#$%&'*+-.^_`|~`; a bit for each byte of ASCII.
    var isTokenCharacter: Bool {
        let half: UInt64 = self < 64 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
        return self < 128 && half >> UInt64(self & 63) & 1 == 1
    }

    /// What a field's value may hold: visible ASCII, SP, HTAB, and bytes above ASCII, which are opaque (RFC 9110 5.5).
    var isFieldValueCharacter: Bool {
        self == Octet.tab || (self >= Octet.space && self != Octet.delete)
    }

    /// SP or HTAB.
    var isBlank: Bool { self == Octet.space || self == Octet.tab }

    /// The value of a hexadecimal digit, or nil.
    var hexValue: UInt8? {
        if isDigit { return self - Octet.zero }
        let lower = self | 0x20
        return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : nil
    }

    /// ASCII letters in lower case; every other byte as it is.
    var asciiLowercased: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }
}

extension Span<UInt8> {
    /// Whether the bytes from `position` on are those of `text`.
    func matches(_ text: String, at position: Int) -> Bool {
        guard position >= 0, text.utf8.count <= count - position else { return false }
        var index = position
        for byte in text.utf8 {
            if self[index] != byte { return false }
            index += 1
        }
        return true
    }
}

extension String {
    /// The bytes of a range as text; what is not UTF-8 becomes U+FFFD.
    init(copying bytes: Span<UInt8>, _ range: Range<Int>) {
        self.init(decoding: [UInt8](copying: bytes, range), as: UTF8.self)
    }
}

extension [UInt8] {
    /// A copy of a range.
    init(copying bytes: Span<UInt8>, _ range: Range<Int>) {
        self.init()
        reserveCapacity(range.count)
        for index in range { append(bytes[index]) }
    }
}

extension ArraySlice<UInt8> {
    /// Without the optional white space (OWS) at both ends.
    var trimmingBlanks: ArraySlice<UInt8> {
        var slice = self
        while let first = slice.first, first.isBlank { slice.removeFirst() }
        while let last = slice.last, last.isBlank { slice.removeLast() }
        return slice
    }

    /// True if the bytes are `text`, letters of either case; `text` is lower-case ASCII.
    func equalsIgnoringCase(_ text: String) -> Bool {
        let other = text.utf8
        guard other.count == count else { return false }
        for (byte, expected) in zip(self, other) where byte.asciiLowercased != expected { return false }
        return true
    }

    /// The bytes as text; what is not UTF-8 becomes U+FFFD.
    var text: String { String(decoding: self, as: UTF8.self) }

    /// ASCII letters lowered, as text.
    var lowercasedText: String { String(decoding: map(\.asciiLowercased), as: UTF8.self) }
}
