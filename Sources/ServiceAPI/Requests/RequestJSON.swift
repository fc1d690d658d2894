/// A JSON object of plain values, read strictly (RFC 8259): what requests send.
///
/// Nothing in it is nested, so reading needs no recursion; every member is kept as text, as a form would have it.
public struct RequestJSON: Sendable {
    /// Why a text is refused; positions are bytes from its start.
    public enum Failure: Error, Sendable, Equatable, CustomStringConvertible {
        /// Something else was expected here.
        case unexpected(expected: String, position: Int)
        /// A string is not UTF-8, or has an escape that means no character.
        case invalidString(position: Int)
        /// A member is an object or a list.
        case nested(name: String)
        /// More members than `largestMemberCount`.
        case tooManyMembers(limit: Int)

        public var description: String {
            switch self {
            case .unexpected(let expected, let position): "\(expected) is expected at byte \(position)"
            case .invalidString(let position): "the string at byte \(position) is not valid"
            case .nested(let name): "'\(name)' is an object or a list; only plain values are taken"
            case .tooManyMembers(let limit): "there are more than \(limit) members"
            }
        }
    }

    /// What a value is.
    public enum Kind: Sendable {
        case string
        case number
        case boolean
    }

    /// A member that is not `null`.
    public struct Member: Sendable {
        public let name: String
        /// What it was written as.
        public let kind: Kind
        /// A string without quotes and escapes; a number or boolean as written.
        public let value: ArraySlice<UInt8>
    }

    /// The most members that an object may have.
    public static let largestMemberCount = 64

    /// In order; members that are `null` are left out.
    public private(set) var members: [Member] = []

    private let bytes: ArraySlice<UInt8>
    private var position: Int

    /// Reads a whole text.
    public init(_ bytes: [UInt8]) throws(Failure) {
        self.bytes = bytes[...]
        position = 0
        try readObject()
    }

    private mutating func readObject() throws(Failure) {
        skipSpace()
        try take(Self.openBrace, "{")
        skipSpace()
        if peek == Self.closeBrace {
            position += 1
        } else {
            var count = 0
            repeat {
                guard count < Self.largestMemberCount else { throw .tooManyMembers(limit: Self.largestMemberCount) }
                try readMember()
                count += 1
            } while takeComma()
            try take(Self.closeBrace, "} or ,")
        }
        skipSpace()
        guard position == bytes.count else { throw .unexpected(expected: "the end", position: position) }
    }

    private mutating func readMember() throws(Failure) {
        skipSpace()
        let start = position
        guard let name = String(validating: try readString(), as: UTF8.self) else {
            throw .invalidString(position: start)
        }
        skipSpace()
        try take(Self.colon, ":")
        skipSpace()
        switch peek {
        case Self.quote:
            members.append(Member(name: name, kind: .string, value: try readString()))
        case Self.openBrace, Self.openBracket: throw .nested(name: String(name.prefix(80)))
        default:
            let literal = try readLiteral()
            guard !literal.elementsEqual("null".utf8) else { break }
            let isWord = literal.first == 0x74 || literal.first == 0x66
            members.append(Member(name: name, kind: isWord ? .boolean : .number, value: literal))
        }
        skipSpace()
    }

    private mutating func takeComma() -> Bool {
        guard peek == Self.comma else { return false }
        position += 1
        return true
    }

    // MARK: Values

    /// `true`, `false`, `null` or a number.
    private mutating func readLiteral() throws(Failure) -> ArraySlice<UInt8> {
        let start = position
        while let byte = peek, Self.isLiteral(byte) { position += 1 }
        let literal = bytes[start..<position]
        let isWord = ["true", "false", "null"].contains { literal.elementsEqual($0.utf8) }
        guard isWord || Self.isNumber(literal) else { throw .unexpected(expected: "a value", position: start) }
        return literal
    }

    private static func isLiteral(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2E: true
        default: false
        }
    }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    private static func isNumber(_ text: ArraySlice<UInt8>) -> Bool {
        var rest = text
        func digits(_ rest: inout ArraySlice<UInt8>) -> Int {
            var count = 0
            while let byte = rest.first, (0x30...0x39).contains(byte) {
                rest.removeFirst()
                count += 1
            }
            return count
        }
        if rest.first == 0x2D { rest.removeFirst() }
        let startsWithZero = rest.first == 0x30
        let whole = digits(&rest)
        guard whole == 1 || (whole > 1 && !startsWithZero) else { return false }
        if rest.first == 0x2E {
            rest.removeFirst()
            guard digits(&rest) > 0 else { return false }
        }
        if rest.first == 0x65 || rest.first == 0x45 {
            rest.removeFirst()
            if rest.first == 0x2B || rest.first == 0x2D { rest.removeFirst() }
            guard digits(&rest) > 0 else { return false }
        }
        return rest.isEmpty
    }

    /// The string's bytes; a slice of the text itself if nothing in it is escaped.
    private mutating func readString() throws(Failure) -> ArraySlice<UInt8> {
        let start = position
        try take(Self.quote, "a string")
        let content = position
        while let byte = peek, byte != Self.quote, byte != Self.backslash, byte >= 0x20 { position += 1 }
        if peek == Self.quote {
            defer { position += 1 }
            return bytes[content..<position]
        }
        var decoded = Array(bytes[content..<position])
        while let byte = peek {
            position += 1
            switch byte {
            case Self.quote: return decoded[...]
            case Self.backslash: try readEscape(into: &decoded, stringStart: start)
            case 0x20...: decoded.append(byte)
            default: throw .invalidString(position: start)
            }
        }
        throw .invalidString(position: start)
    }

    private mutating func readEscape(into decoded: inout [UInt8], stringStart: Int) throws(Failure) {
        guard let byte = peek else { throw .invalidString(position: stringStart) }
        position += 1
        switch byte {
        case Self.quote, Self.backslash, 0x2F: decoded.append(byte)
        case 0x62: decoded.append(0x08)
        case 0x66: decoded.append(0x0C)
        case 0x6E: decoded.append(0x0A)
        case 0x72: decoded.append(0x0D)
        case 0x74: decoded.append(0x09)
        case 0x75:
            var value = try readHex(stringStart)
            if (0xD800..<0xDC00).contains(value) {
                // The second half of a pair must follow.
                guard peek == Self.backslash else { throw .invalidString(position: stringStart) }
                position += 1
                guard peek == 0x75 else { throw .invalidString(position: stringStart) }
                position += 1
                let low = try readHex(stringStart)
                guard (0xDC00..<0xE000).contains(low) else { throw .invalidString(position: stringStart) }
                value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(value) else { throw .invalidString(position: stringStart) }
            decoded.append(contentsOf: String(scalar).utf8)
        default: throw .invalidString(position: stringStart)
        }
    }

    private mutating func readHex(_ stringStart: Int) throws(Failure) -> UInt32 {
        guard bytes.count - position >= 4 else { throw .invalidString(position: stringStart) }
        var value: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw .invalidString(position: stringStart)
            }
            value = value << 4 | UInt32(digit)
        }
        position += 4
        return value
    }

    // MARK: Bytes

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    private mutating func take(_ byte: UInt8, _ expected: String) throws(Failure) {
        guard peek == byte else { throw .unexpected(expected: expected, position: position) }
        position += 1
    }

    private static let openBrace: UInt8 = 0x7B
    private static let closeBrace: UInt8 = 0x7D
    private static let openBracket: UInt8 = 0x5B
    private static let quote: UInt8 = 0x22
    private static let backslash: UInt8 = 0x5C
    private static let comma: UInt8 = 0x2C
    private static let colon: UInt8 = 0x3A
}
