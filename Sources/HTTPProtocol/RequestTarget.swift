/// Path and query of a request, still percent-encoded, whatever form the target came in (RFC 9112 section 3.2).
public struct RequestTarget: Sendable, Equatable {
    /// Begins with "/"; or "*" of an `OPTIONS *`.
    public let path: [UInt8]
    /// What follows the first "?", or nil if there is none.
    public let query: [UInt8]?
    /// `host[:port]` of an absolute target; it overrides `Host`.
    public let authority: [UInt8]?

    /// The path's segments, percent-decoded, or nil if one of them is not UTF-8 or hides a control character.
    ///
    /// Decoding comes after splitting, so an encoded slash stays inside its segment. "/" is one empty segment.
    public var pathSegments: [String]? {
        guard path.first == Octet.slash else { return nil }
        var segments: [String] = []
        for raw in path.dropFirst().split(separator: Octet.slash, omittingEmptySubsequences: false) {
            guard let segment = try? PercentDecoder.decode(raw, plusIsSpace: false) else { return nil }
            segments.append(segment)
        }
        return segments
    }

    /// Throws `invalidTarget` or `invalidHost`.
    static func parse(
        _ bytes: Span<UInt8>, _ range: Range<Int>, method: Range<Int>
    ) throws(RequestError) -> RequestTarget {
        for index in range {
            let byte = bytes[index]
            if byte <= Octet.space || byte >= Octet.delete || byte == Octet.hash { throw .invalidTarget }
        }
        if bytes[range.lowerBound] == Octet.slash { return origin(bytes, range, authority: nil) }
        if range.count == 1, bytes[range.lowerBound] == Octet.asterisk {
            guard method.count == 7, bytes.matches("OPTIONS", at: method.lowerBound) else { throw .invalidTarget }
            return RequestTarget(path: [Octet.asterisk], query: nil, authority: nil)
        }
        let whole = [UInt8](copying: bytes, range)
        for scheme in ["http://", "https://"] where whole.prefix(scheme.utf8.count).equalsIgnoringCase(scheme) {
            let rest = whole.dropFirst(scheme.utf8.count)
            let end = rest.firstIndex { $0 == Octet.slash || $0 == Octet.question } ?? rest.endIndex
            let authority = rest[..<end]
            guard Host.isValid(authority) else { throw .invalidHost }
            return origin(whole.span, end..<whole.count, authority: Array(authority))
        }
        throw .invalidTarget
    }

    /// An absolute target may have no path at all: that is "/".
    private static func origin(_ bytes: Span<UInt8>, _ range: Range<Int>, authority: [UInt8]?) -> RequestTarget {
        var mark = range.lowerBound
        while mark < range.upperBound, bytes[mark] != Octet.question { mark += 1 }
        return RequestTarget(
            path: mark == range.lowerBound ? [Octet.slash] : [UInt8](copying: bytes, range.lowerBound..<mark),
            query: mark == range.upperBound ? nil : [UInt8](copying: bytes, (mark + 1)..<range.upperBound),
            authority: authority)
    }
}
