/// An element of a small XML document: what OpenRaster needs, and nothing that could be abused.
///
/// No document types, no entities but the five and numbers, no text between elements. Source: XML 1.0 (fifth edition).
struct XMLElement: Sendable {
    let name: String
    let attributes: [String: String]
    fileprivate(set) var children: [XMLElement] = []
}

/// Reads one document, with limits.
struct XMLReader {
    /// The most bytes of a document.
    static let maximumByteCount = 8 << 20
    private static let maximumElements = 20_000
    private static let maximumDepth = 64
    private static let maximumAttributes = 64

    private let bytes: [UInt8]
    private var offset = 0
    private var elementCount = 0

    /// The document's root; throws `ImageError.damaged` of `openRaster`.
    static func root(of bytes: [UInt8]) throws(ImageError) -> XMLElement {
        guard bytes.count <= maximumByteCount else {
            throw .inputTooLarge(byteCount: bytes.count, limit: maximumByteCount)
        }
        guard String(validating: bytes, as: UTF8.self) != nil else { throw damaged("it is not UTF-8") }
        var reader = XMLReader(bytes: bytes)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { reader.offset = 3 }
        try reader.skipMisc()
        let root = try reader.element(depth: 1)
        try reader.skipMisc()
        guard reader.offset == bytes.count else { throw damaged("there is something after its end") }
        return root
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private static func damaged(_ detail: String) -> ImageError {
        .damaged(.openRaster, detail: "stack.xml: \(detail)")
    }

    // MARK: Parts

    /// An element with everything in it, from its `<` on.
    private mutating func element(depth: Int) throws(ImageError) -> XMLElement {
        guard depth <= Self.maximumDepth else { throw Self.damaged("elements too deep inside one another") }
        elementCount += 1
        guard elementCount <= Self.maximumElements else { throw Self.damaged("too many elements") }
        guard take("<") else { throw Self.damaged("an element was expected") }
        let name = try name()
        var attributes: [String: String] = [:]
        while true {
            skipSpace()
            if take("/>") { return XMLElement(name: name, attributes: attributes) }
            if take(">") { break }
            let key = try self.name()
            skipSpace()
            guard take("=") else { throw Self.damaged("an attribute without a value") }
            skipSpace()
            guard attributes.updateValue(try value(), forKey: key) == nil,
                attributes.count <= Self.maximumAttributes
            else { throw Self.damaged("an attribute twice, or too many") }
        }
        var element = XMLElement(name: name, attributes: attributes)
        while true {
            try skipMisc()
            if take("</") {
                guard try self.name() == name else { throw Self.damaged("an element that ends as another") }
                skipSpace()
                guard take(">") else { throw Self.damaged("an end without its end") }
                return element
            }
            element.children.append(try self.element(depth: depth + 1))
        }
    }

    /// White space, comments and processing instructions.
    private mutating func skipMisc() throws(ImageError) {
        while true {
            skipSpace()
            if take("<!--") {
                try skip(past: "-->")
            } else if take("<?") {
                try skip(past: "?>")
            } else {
                return
            }
        }
    }

    private mutating func name() throws(ImageError) -> String {
        let start = offset
        while offset < bytes.count, Self.isNameByte(bytes[offset]) { offset += 1 }
        guard offset > start else { throw Self.damaged("a name was expected") }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x3A, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x80...: true
        default: false
        }
    }

    /// An attribute's value, in either kind of quotes.
    private mutating func value() throws(ImageError) -> String {
        guard offset < bytes.count, bytes[offset] == 0x22 || bytes[offset] == 0x27 else {
            throw Self.damaged("a value without quotes")
        }
        let quote = bytes[offset]
        offset += 1
        var text: [UInt8] = []
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            if byte == quote { return String(decoding: text, as: UTF8.self) }
            guard byte != 0x3C else { throw Self.damaged("a < in a value") }
            if byte == 0x26 { text += try reference() } else { text.append(byte) }
        }
        throw Self.damaged("a value that does not end")
    }

    /// What stands for a character, after its `&`.
    private mutating func reference() throws(ImageError) -> [UInt8] {
        let longest = 12
        let rest = bytes[offset..<min(bytes.count, offset + longest)]
        guard let end = rest.firstIndex(of: 0x3B) else { throw Self.damaged("an entity that does not end") }
        let name = String(decoding: bytes[offset..<end], as: UTF8.self)
        offset = end + 1
        switch name {
        case "amp": return [0x26]
        case "lt": return [0x3C]
        case "gt": return [0x3E]
        case "quot": return [0x22]
        case "apos": return [0x27]
        default: break
        }
        guard name.hasPrefix("#"), let scalar = Self.scalar(name.dropFirst()) else {
            throw Self.damaged("an entity that is not known")
        }
        return Array(String(Character(scalar)).utf8)
    }

    private static func scalar(_ digits: Substring) -> Unicode.Scalar? {
        let isHexadecimal = digits.hasPrefix("x")
        let plain = isHexadecimal ? digits.dropFirst() : digits
        guard plain.allSatisfy({ $0.isASCII && $0.isHexDigit }),
            let value = UInt32(plain, radix: isHexadecimal ? 16 : 10), value >= 0x20 || value == 9 || value == 10
        else { return nil }
        return Unicode.Scalar(value)
    }

    // MARK: Steps

    private mutating func skipSpace() {
        while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
    }

    private mutating func take(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard offset + count <= bytes.count else { return false }
        let isThere = text.withUTF8Buffer { bytes[offset..<offset + count].elementsEqual($0) }
        if isThere { offset += count }
        return isThere
    }

    private mutating func skip(past text: StaticString) throws(ImageError) {
        while offset < bytes.count {
            if take(text) { return }
            offset += 1
        }
        throw Self.damaged("something that does not end")
    }
}
