/// The grammar of `Host`: `uri-host [ ":" port ]` without user information (RFC 9110 section 7.2, RFC 3986 3.2.2).
enum Host {
    /// True for a name, an IPv4 address or an IPv6 address in brackets, with or without a port of 0...65535.
    ///
    /// An empty host is refused, since http URIs have none (RFC 9110 section 4.2.1), and so is a comma, which the
    /// grammar of names allows, but which is how two hosts look after a careless proxy joined them.
    static func isValid(_ value: ArraySlice<UInt8>) -> Bool {
        guard let first = value.first else { return false }
        var rest: ArraySlice<UInt8>
        if first == Octet.leftBracket {
            guard let end = value.firstIndex(of: Octet.rightBracket) else { return false }
            let address = value[(value.startIndex + 1)..<end]
            guard address.count >= 2, address.contains(Octet.colon),
                address.allSatisfy({ $0.hexValue != nil || $0 == Octet.colon || $0 == Octet.dot })
            else { return false }
            rest = value[(end + 1)...]
        } else {
            let end = value.firstIndex(of: Octet.colon) ?? value.endIndex
            guard end > value.startIndex, isName(value[..<end]) else { return false }
            rest = value[end...]
        }
        guard let separator = rest.popFirst() else { return true }
        guard separator == Octet.colon, rest.count <= 5, rest.allSatisfy(\.isDigit) else { return false }
        let port = rest.reduce(0) { $0 * 10 + Int($1 - Octet.zero) }
        return port <= 65535
    }

    private static func isName(_ name: ArraySlice<UInt8>) -> Bool {
        var rest = name
        while let byte = rest.popFirst() {
            if byte == Octet.percent {
                guard let high = rest.popFirst(), let low = rest.popFirst(), high.hexValue != nil, low.hexValue != nil
                else { return false }
                continue
            }
            switch byte {
            case _ where byte.isDigit || byte.isLetter: continue
            // "-" "." "_" "~" and the sub-delims "!" "$" "&" "'" "(" ")" "*" "+" ";" "="
            case 0x2D, 0x2E, 0x5F, 0x7E, 0x21, 0x24, 0x26...0x2B, 0x3B, 0x3D: continue
            default: return false
            }
        }
        return true
    }
}
