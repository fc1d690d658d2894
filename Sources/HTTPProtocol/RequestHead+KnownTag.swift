extension RequestHead {
    /// Of the tags in `If-None-Match` the first that begins so and goes on with a decimal number, as a strong tag with
    /// its quotes. Nil without one, for methods that ask for nothing, and where another condition comes before it,
    /// which is about the whole tag (RFC 9110 section 13.2.2).
    public func knownTag(beginning: String) -> String? {
        guard ["GET", "HEAD"].contains(method), fields.all("if-match").isEmpty,
            fields.all("if-unmodified-since").isEmpty
        else { return nil }
        var known: String?
        _ = EntityTag.field("if-none-match", fields) { tag in
            guard tag.opaque.starts(with: beginning.utf8) else { return false }
            let digits = tag.opaque.dropFirst(beginning.utf8.count)
            guard let first = digits.first, (0x31...0x39).contains(first),
                digits.allSatisfy({ (0x30...0x39).contains($0) })
            else { return false }
            known = "\"\(beginning)\(String(decoding: digits, as: UTF8.self))\""
            return true
        }
        return known
    }
}
