/// A value of a GGUF file's metadata, as far as the engine looks at it.
enum GGUFValue: Sendable, Equatable {
    case text(String)
    case integer(Int)
    /// A short list of integers.
    case integers([Int])
    /// Anything else: it was gone over.
    case other

    /// Longest text that is kept, in bytes; a chat template is not looked at.
    private static let textLimit = 4096
    /// Longest list that is kept.
    private static let keptCount = 16
    /// Most elements of a list: a vocabulary has some hundred thousand.
    private static let listLimit = 1 << 26
    /// Lists inside of lists.
    private static let depthLimit = 4

    /// The kinds of values, as the format numbers them.
    private enum Kind: UInt32 {
        case uint8, int8, uint16, int16, uint32, int32, float32, bool, text, list, uint64, int64, float64

        /// Bytes of one; nil for those of any length.
        var byteCount: Int? {
            switch self {
            case .uint8, .int8, .bool: 1
            case .uint16, .int16: 2
            case .uint32, .int32, .float32: 4
            case .uint64, .int64, .float64: 8
            case .text, .list: nil
            }
        }

        var isInteger: Bool {
            switch self {
            case .float32, .float64, .bool, .text, .list: false
            default: true
            }
        }
    }

    /// Reads the value of `key`: its kind, then itself.
    static func read(_ reader: inout GGUFReader, key: String) throws(GGUFProblem) -> GGUFValue {
        try read(&reader, try kind(&reader, key), key, depth: 0)
    }

    private static func kind(_ reader: inout GGUFReader, _ key: String) throws(GGUFProblem) -> Kind {
        let code = try reader.number(UInt32.self)
        guard let kind = Kind(rawValue: code) else { throw .unknownValueType(key: key, found: code) }
        return kind
    }

    private static func read(
        _ reader: inout GGUFReader, _ kind: Kind, _ key: String, depth: Int
    ) throws(GGUFProblem) -> GGUFValue {
        switch kind {
        case .text: return try reader.text(limit: textLimit).map { .text($0) } ?? .other
        case .list: return try list(&reader, key, depth: depth + 1)
        default: return try integer(&reader, kind).map { .integer($0) } ?? .other
        }
    }

    private static func list(
        _ reader: inout GGUFReader, _ key: String, depth: Int
    ) throws(GGUFProblem) -> GGUFValue {
        guard depth <= depthLimit else { throw .tooDeep(key: key, limit: depthLimit) }
        let kind = try kind(&reader, key)
        let count = try reader.count(of: "elements in a list", limit: listLimit)
        if kind.isInteger, count <= keptCount {
            var integers: [Int] = []
            for _ in 0..<count {
                if let integer = try integer(&reader, kind) { integers.append(integer) }
            }
            return integers.count == count ? .integers(integers) : .other
        }
        if let byteCount = kind.byteCount {
            try reader.skip(count, of: byteCount)
        } else {
            for _ in 0..<count { _ = try read(&reader, kind, key, depth: depth) }
        }
        return .other
    }

    /// A number; nil if it is none that fits.
    private static func integer(_ reader: inout GGUFReader, _ kind: Kind) throws(GGUFProblem) -> Int? {
        switch kind {
        case .uint8: return Int(try reader.number(UInt8.self))
        case .int8: return Int(try reader.number(Int8.self))
        case .uint16: return Int(try reader.number(UInt16.self))
        case .int16: return Int(try reader.number(Int16.self))
        case .uint32: return Int(try reader.number(UInt32.self))
        case .int32: return Int(try reader.number(Int32.self))
        case .uint64: return Int(exactly: try reader.number(UInt64.self))
        case .int64: return Int(exactly: try reader.number(Int64.self))
        case .float32, .bool, .float64, .text, .list:
            try reader.skip(1, of: kind.byteCount ?? 1)
            return nil
        }
    }
}
