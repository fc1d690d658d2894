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
    static func parse(_ target: ArraySlice<UInt8>, method: ArraySlice<UInt8>) throws(RequestError) -> RequestTarget {
        for byte in target where byte <= Octet.space || byte >= Octet.delete || byte == Octet.hash {
            throw .invalidTarget
        }
        if target.first == Octet.slash { return origin(target, authority: nil) }
        if target.elementsEqual([Octet.asterisk]) {
            guard method.elementsEqual("OPTIONS".utf8) else { throw .invalidTarget }
            return RequestTarget(path: [Octet.asterisk], query: nil, authority: nil)
        }
        for scheme in ["http://", "https://"] where target.prefix(scheme.utf8.count).equalsIgnoringCase(scheme) {
            let rest = target.dropFirst(scheme.utf8.count)
            let end = rest.firstIndex { $0 == Octet.slash || $0 == Octet.question } ?? rest.endIndex
            let authority = rest[..<end]
            guard Host.isValid(authority) else { throw .invalidHost }
            return origin(rest[end...], authority: Array(authority))
        }
        throw .invalidTarget
    }

    /// An absolute target may have no path at all: that is "/".
    private static func origin(_ bytes: ArraySlice<UInt8>, authority: [UInt8]?) -> RequestTarget {
        let mark = bytes.firstIndex(of: Octet.question)
        let path = bytes[..<(mark ?? bytes.endIndex)]
        return RequestTarget(
            path: path.isEmpty ? [Octet.slash] : Array(path),
            query: mark.map { Array(bytes[($0 + 1)...]) },
            authority: authority)
    }
}
