/// Reads the small grammars inside field values: tokens, quoted strings, parameters (RFC 9110 section 5.6).
struct FieldScanner {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        rest = bytes
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skipBlanks() {
        while let byte = rest.first, byte.isBlank { rest.removeFirst() }
    }

    /// True, and past it, if the next byte is `byte`.
    mutating func take(_ byte: UInt8) -> Bool {
        guard rest.first == byte else { return false }
        rest.removeFirst()
        return true
    }

    /// The token here, or nil if there is none.
    mutating func token() -> ArraySlice<UInt8>? {
        let end = rest.firstIndex { !$0.isTokenCharacter } ?? rest.endIndex
        guard end > rest.startIndex else { return nil }
        defer { rest = rest[end...] }
        return rest[..<end]
    }

    /// Goes on at `index`, which lies within `rest` or at its end.
    mutating func skip(to index: Int) { rest = rest[index...] }

    /// The number that the digits here spell, or nil if there are none; one that is too large is `Int.max`.
    mutating func number() -> Int? {
        guard rest.first?.isDigit == true else { return nil }
        var number = 0
        while let byte = rest.first, byte.isDigit {
            rest.removeFirst()
            let (tens, isTooMuch) = number.multipliedReportingOverflow(by: 10)
            let (sum, isStillTooMuch) = tens.addingReportingOverflow(Int(byte - Octet.zero))
            number = isTooMuch || isStillTooMuch ? .max : sum
        }
        return number
    }

    /// How a backslash inside quotes is read.
    enum Escapes {
        /// It quotes any byte after it (RFC 9110 section 5.6.4).
        case anyByte
        /// It quotes only `"` and `\`: in multipart bodies some clients send `C:\folder\file` as it is.
        case quoteAndBackslash
    }

    /// The content of the quoted string here, or nil if there is none or it does not end.
    mutating func quotedString(_ escapes: Escapes) -> [UInt8]? {
        var scan = rest
        guard scan.popFirst() == Octet.quote else { return nil }
        var content: [UInt8] = []
        while let byte = scan.popFirst() {
            if byte == Octet.quote {
                rest = scan
                return content
            }
            if byte == Octet.backslash, let next = scan.first,
                escapes == .anyByte || next == Octet.quote || next == Octet.backslash
            {
                content.append(next)
                scan.removeFirst()
            } else {
                content.append(byte)
            }
        }
        return nil
    }

    /// `*( OWS ";" OWS [ name "=" value ] )` up to a comma or the end; nil if it is malformed.
    mutating func parameters(_ escapes: Escapes) -> [(name: String, value: [UInt8])]? {
        var found: [(name: String, value: [UInt8])] = []
        while true {
            skipBlanks()
            guard take(Octet.semicolon) else { return found }
            skipBlanks()
            guard let name = token() else { continue }
            guard take(Octet.equals) else { return nil }
            if rest.first == Octet.quote {
                guard let value = quotedString(escapes) else { return nil }
                found.append((name.lowercasedText, value))
            } else {
                guard let value = token() else { return nil }
                found.append((name.lowercasedText, Array(value)))
            }
            guard found.count <= Self.largestParameterCount else { return nil }
        }
    }

    private static let largestParameterCount = 32
}
