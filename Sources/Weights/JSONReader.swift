/// Reads a JSON text front to back (RFC 8259), as strictly as a file that decides about memory must be read.
///
/// Unlike a general decoder it refuses a key that comes twice, keeps to limits of depth, length and count before it
/// allocates, and takes only whole numbers for whole numbers (`1.0` and `1e3` are none).
struct JSONReader {
    /// What one reading allows.
    struct Limits {
        /// Nested objects and arrays.
        var depth = 16
        /// Bytes of one key as it stands in the file, without its quotes.
        var keyBytes = 1024
        /// Members of one object, elements of one array.
        var members: Int
    }

    private let bytes: [UInt8]
    private let limits: Limits
    private var depth = 0
    /// Where the next byte is read.
    private(set) var offset = 0

    init(_ bytes: [UInt8], limits: Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    // MARK: Objects and arrays

    /// The keys of an object that is being read, to find one that comes twice.
    struct Object {
        fileprivate var keys: Set<String> = []
    }

    /// Enters an object.
    mutating func beginObject() throws(JSONProblem) -> Object {
        try enter(UInt8(ascii: "{"), expected: "an object")
        return Object()
    }

    /// The next key of the object, its value being next to read; nil at the object's end.
    mutating func nextKey(of object: inout Object) throws(JSONProblem) -> String? {
        guard try continues(until: UInt8(ascii: "}"), afterMembers: object.keys.count) else { return nil }
        let key = try readText(atMost: limits.keyBytes)
        guard !key.isEmpty, !key.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { throw .keyNotAllowed(key) }
        guard object.keys.insert(key).inserted else { throw .duplicateKey(key) }
        try expect(UInt8(ascii: ":"))
        return key
    }

    /// An array of whole numbers, none negative.
    mutating func readIntegers(atMost limit: Int) throws(JSONProblem) -> [Int] {
        try enter(UInt8(ascii: "["), expected: "an array")
        var values: [Int] = []
        while try continues(until: UInt8(ascii: "]"), afterMembers: values.count) {
            guard values.count < limit else { throw .tooManyMembers(limit: limit) }
            values.append(try readInteger())
        }
        return values
    }

    private mutating func enter(_ opening: UInt8, expected: String) throws(JSONProblem) {
        guard try peek() == opening else { throw .wrongType(expected: expected, offset: offset) }
        guard depth < limits.depth else { throw .tooDeep(limit: limits.depth) }
        offset += 1
        depth += 1
    }

    /// True if one more member follows; false, and the container is left, if it ends here.
    private mutating func continues(until closing: UInt8, afterMembers count: Int) throws(JSONProblem) -> Bool {
        let byte = try peek()
        if byte == closing {
            offset += 1
            depth -= 1
            return false
        }
        guard count < limits.members else { throw .tooManyMembers(limit: limits.members) }
        if count > 0 {
            try expect(UInt8(ascii: ","))
            // A comma promises a member: `[1,]` is not JSON.
            guard try peek() != closing else { throw .unexpectedByte(closing, offset: offset) }
        }
        return true
    }

    // MARK: Values

    /// A whole number that is not negative, written as digits alone and fitting an Int.
    mutating func readInteger() throws(JSONProblem) -> Int {
        let first = try peek()
        let start = offset
        guard first.isDigit else { throw .notAnInteger(offset: start) }
        var value = 0
        while offset < bytes.count, bytes[offset].isDigit {
            let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = product.addingReportingOverflow(Int(bytes[offset] - UInt8(ascii: "0")))
            guard !tooLarge, !overflow else { throw .notAnInteger(offset: start) }
            value = sum
            offset += 1
        }
        let hasLeadingZero = first == UInt8(ascii: "0") && offset - start > 1
        // A fraction or an exponent; any other byte that does not belong here is found by whoever reads on.
        let goesOn = take { ".eE".utf8.contains($0) }
        guard !hasLeadingZero, !goesOn else { throw .notAnInteger(offset: start) }
        return value
    }

    /// A text; `limitBytes` counts it as it stands in the file, without its quotes.
    mutating func readText(atMost limitBytes: Int = .max) throws(JSONProblem) -> String {
        guard try peek() == UInt8(ascii: "\"") else { throw .wrongType(expected: "a text", offset: offset) }
        offset += 1
        let start = offset
        var hasEscapes = false
        while true {
            guard offset < bytes.count else { throw .unexpectedEnd }
            let byte = bytes[offset]
            if byte == UInt8(ascii: "\"") { break }
            guard byte >= 0x20 else { throw .unexpectedByte(byte, offset: offset) }
            guard offset - start < limitBytes else { throw .tooLong(limitBytes: limitBytes, offset: start) }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                offset += 1
            }
            offset += 1
        }
        let raw = bytes[start..<offset]
        offset += 1
        let text = hasEscapes ? try unescape(raw) : Array(raw)
        guard let result = String(validating: text, as: UTF8.self) else { throw .invalidText(offset: start) }
        return result
    }

    /// `true` or `false`.
    mutating func readBoolean() throws(JSONProblem) -> Bool {
        switch try peek() {
        case UInt8(ascii: "t"):
            try expect(word: "true")
            return true
        case UInt8(ascii: "f"):
            try expect(word: "false")
            return false
        default: throw .wrongType(expected: "true or false", offset: offset)
        }
    }

    /// Passes over a value of any kind.
    mutating func skipValue() throws(JSONProblem) {
        switch try peek() {
        case UInt8(ascii: "{"):
            var object = try beginObject()
            while try nextKey(of: &object) != nil { try skipValue() }
        case UInt8(ascii: "["):
            try enter(UInt8(ascii: "["), expected: "an array")
            var count = 0
            while try continues(until: UInt8(ascii: "]"), afterMembers: count) {
                try skipValue()
                count += 1
            }
        case UInt8(ascii: "\""): _ = try readText()
        case UInt8(ascii: "t"): try expect(word: "true")
        case UInt8(ascii: "f"): try expect(word: "false")
        case UInt8(ascii: "n"): try expect(word: "null")
        default: try skipNumber()
        }
    }

    /// Makes sure that nothing but white space is left.
    mutating func finish() throws(JSONProblem) {
        skipWhitespace()
        guard offset == bytes.count else { throw .unexpectedByte(bytes[offset], offset: offset) }
    }

    // MARK: Bytes

    private mutating func skipWhitespace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    /// The next byte that is not white space, not yet taken.
    private mutating func peek() throws(JSONProblem) -> UInt8 {
        skipWhitespace()
        guard offset < bytes.count else { throw .unexpectedEnd }
        return bytes[offset]
    }

    private mutating func expect(_ byte: UInt8) throws(JSONProblem) {
        let found = try peek()
        guard found == byte else { throw .unexpectedByte(found, offset: offset) }
        offset += 1
    }

    private mutating func expect(word: String) throws(JSONProblem) {
        for byte in word.utf8 {
            guard offset < bytes.count else { throw .unexpectedEnd }
            guard bytes[offset] == byte else { throw .unexpectedByte(bytes[offset], offset: offset) }
            offset += 1
        }
    }

    /// number = [ "-" ] int [ frac ] [ exp ] (RFC 8259, section 6).
    private mutating func skipNumber() throws(JSONProblem) {
        take { $0 == UInt8(ascii: "-") }
        let leading = try skipDigits()
        if leading.first == UInt8(ascii: "0"), leading.count > 1 {
            throw .unexpectedByte(bytes[leading.startIndex + 1], offset: leading.startIndex + 1)
        }
        if take({ $0 == UInt8(ascii: ".") }) { _ = try skipDigits() }
        if take({ $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") }) {
            take { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }
            _ = try skipDigits()
        }
    }

    private mutating func skipDigits() throws(JSONProblem) -> ArraySlice<UInt8> {
        let start = offset
        while offset < bytes.count, bytes[offset].isDigit { offset += 1 }
        guard offset > start else {
            guard offset < bytes.count else { throw .unexpectedEnd }
            throw .unexpectedByte(bytes[offset], offset: offset)
        }
        return bytes[start..<offset]
    }

    @discardableResult
    private mutating func take(_ accepts: (UInt8) -> Bool) -> Bool {
        guard offset < bytes.count, accepts(bytes[offset]) else { return false }
        offset += 1
        return true
    }

    // MARK: Escapes

    private func unescape(_ raw: ArraySlice<UInt8>) throws(JSONProblem) -> [UInt8] {
        var result: [UInt8] = []
        var index = raw.startIndex
        while index < raw.endIndex {
            guard raw[index] == UInt8(ascii: "\\") else {
                result.append(raw[index])
                index += 1
                continue
            }
            // An escape's second byte is always inside: the text's end was looked for past it.
            let kind = raw[index + 1]
            if let plain = Self.plainEscapes[kind] {
                result.append(plain)
                index += 2
                continue
            }
            guard kind == UInt8(ascii: "u") else { throw .invalidText(offset: index) }
            var unit = try hexadecimal(raw, at: index + 2)
            index += 6
            if (0xD800..<0xDC00).contains(unit) {
                let isEscape = raw.endIndex - index >= 6 && raw[index...].starts(with: "\\u".utf8)
                guard isEscape else {
                    throw .invalidText(offset: index)
                }
                let low = try hexadecimal(raw, at: index + 2)
                guard (0xDC00..<0xE000).contains(low) else { throw .invalidText(offset: index) }
                unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
                index += 6
            }
            guard let scalar = Unicode.Scalar(unit) else { throw .invalidText(offset: index) }
            result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
        return result
    }

    private func hexadecimal(_ raw: ArraySlice<UInt8>, at start: Int) throws(JSONProblem) -> UInt32 {
        guard raw.endIndex - start >= 4 else { throw .invalidText(offset: start) }
        var value: UInt32 = 0
        for index in start..<(start + 4) {
            guard let digit = Character(Unicode.Scalar(raw[index])).hexDigitValue, raw[index] < 0x80 else {
                throw .invalidText(offset: index)
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    private static let plainEscapes: [UInt8: UInt8] = [
        UInt8(ascii: "\""): 0x22, UInt8(ascii: "\\"): 0x5C, UInt8(ascii: "/"): 0x2F, UInt8(ascii: "b"): 0x08,
        UInt8(ascii: "f"): 0x0C, UInt8(ascii: "n"): 0x0A, UInt8(ascii: "r"): 0x0D, UInt8(ascii: "t"): 0x09,
    ]
}

extension UInt8 {
    fileprivate var isDigit: Bool { UInt8(ascii: "0") <= self && self <= UInt8(ascii: "9") }
}
