/// Percent-encoding (RFC 3986 section 2.1) and form encoding, on bytes.
public enum PercentDecoder {
    /// Why an encoded text is refused.
    public enum Failure: Error, Sendable, Equatable, CustomStringConvertible {
        /// "%" without two hexadecimal digits.
        case incompleteEscape
        /// %00, %0D or %0A, which turn into line ends or string ends further on.
        case forbiddenByte
        /// The bytes are not UTF-8.
        case notUTF8
        /// More parameters than `largestPairCount`.
        case tooManyParameters(limit: Int)

        public var description: String {
            switch self {
            case .incompleteEscape: "a % is not followed by two hexadecimal digits"
            case .forbiddenByte: "%00, %0D and %0A are not accepted"
            case .notUTF8: "the decoded text is not UTF-8"
            case .tooManyParameters(let limit): "there are more than \(limit) parameters"
            }
        }
    }

    /// The most `name=value` pairs that one query may have.
    public static let largestPairCount = 64

    /// The text that `bytes` encode; `plusIsSpace` for queries, where forms write a space as "+".
    public static func decode(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool) throws(Failure) -> String {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var rest = bytes
        while let byte = rest.popFirst() {
            var value = byte
            if byte == Octet.percent {
                guard let high = rest.popFirst()?.hexValue, let low = rest.popFirst()?.hexValue else {
                    throw .incompleteEscape
                }
                value = high << 4 | low
            } else if byte == Octet.plus, plusIsSpace {
                value = Octet.space
            }
            if value == 0 || value == Octet.carriageReturn || value == Octet.lineFeed { throw .forbiddenByte }
            decoded.append(value)
        }
        guard let text = String(validating: decoded, as: UTF8.self) else { throw .notUTF8 }
        return text
    }

    /// The `name=value` pairs of a query in order; a pair without "=" has an empty value, empty pairs are skipped.
    public static func parameters(of query: [UInt8]) throws(Failure) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for pair in query.split(separator: Octet.ampersand) {
            if pairs.count == largestPairCount { throw .tooManyParameters(limit: largestPairCount) }
            let mark = pair.firstIndex(of: Octet.equals)
            let name = try decode(pair[..<(mark ?? pair.endIndex)], plusIsSpace: true)
            let value = try mark.map { (mark) throws(Failure) in try decode(pair[(mark + 1)...], plusIsSpace: true) }
            pairs.append((name, value ?? ""))
        }
        return pairs
    }
}
