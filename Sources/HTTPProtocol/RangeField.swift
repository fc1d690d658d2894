/// Which bytes a request wants of what it asks for: the `Range` field (RFC 9110 sections 14.1 and 14.2).
public struct RangeField: Sendable, Equatable {
    /// What there is of it.
    public enum Answer: Sendable, Equatable {
        /// All of it: the bytes are not one piece, or there are none.
        case whole
        /// These bytes, at least one.
        case part(Range<Int>)
        /// Nothing: what is asked for lies behind the end.
        case unsatisfiable
    }

    private enum Part: Sendable, Equatable {
        /// From the first byte to the last one, both counted from 0.
        case bytes(first: Int, last: Int)
        /// So many at the end.
        case suffix(Int)
    }

    private let parts: [Part]

    /// A field with more parts than this is ignored, as section 14.2 allows.
    private static let mostParts = 16

    /// Nil without the field, and for one that is to be ignored: in another unit than bytes, malformed, there twice or
    /// of many parts.
    public init?(_ fields: HeaderFields) {
        let values = fields.all("range")
        guard values.count == 1 else { return nil }
        var scanner = FieldScanner(values[0])
        guard let unit = scanner.token(), unit.equalsIgnoringCase("bytes"), scanner.take(Octet.equals) else {
            return nil
        }
        var parts: [Part] = []
        while true {
            scanner.skipBlanks()
            // Lists may have empty elements (section 5.6.1.2).
            if scanner.take(Octet.comma) { continue }
            if scanner.isAtEnd { break }
            guard parts.count < Self.mostParts, let part = Self.part(&scanner) else { return nil }
            parts.append(part)
            scanner.skipBlanks()
            guard scanner.isAtEnd || scanner.take(Octet.comma) else { return nil }
        }
        guard !parts.isEmpty else { return nil }
        self.parts = parts
    }

    /// `first-`, `first-last` or `-count`; nil if it is none of them.
    private static func part(_ scanner: inout FieldScanner) -> Part? {
        if scanner.take(Octet.hyphen) { return scanner.number().map { .suffix($0) } }
        guard let first = scanner.number(), scanner.take(Octet.hyphen) else { return nil }
        guard let last = scanner.number() else { return .bytes(first: first, last: .max) }
        return first <= last ? .bytes(first: first, last: last) : nil
    }

    /// What it asks for of `byteCount` bytes. Parts that touch are one; parts with something between them are not sent
    /// one by one, but with what is between and all the rest.
    public func answer(byteCount: Int) -> Answer {
        var ranges: [Range<Int>] = []
        for part in parts {
            switch part {
            case .bytes(let first, let last):
                if first < byteCount { ranges.append(first..<min(last, byteCount - 1) + 1) }
            case .suffix(let count):
                if count > 0 { ranges.append(max(0, byteCount - count)..<byteCount) }
            }
        }
        ranges.sort { $0.lowerBound < $1.lowerBound }
        guard var joined = ranges.first else { return .unsatisfiable }
        for range in ranges.dropFirst() {
            guard range.lowerBound <= joined.upperBound else { return .whole }
            joined = joined.lowerBound..<max(joined.upperBound, range.upperBound)
        }
        return joined.isEmpty ? .whole : .part(joined)
    }
}
