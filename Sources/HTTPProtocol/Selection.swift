/// What a GET or HEAD request gets of a representation, by its conditions and its range (RFC 9110 section 13.2.2).
public enum Selection: Sendable, Equatable {
    /// All of it.
    case whole
    /// These bytes of it, at least one.
    case part(Range<Int>)
    /// The client has it.
    case notModified
    /// It is not what the client takes it for.
    case preconditionFailed
    /// It has not as many bytes as the range begins after.
    case unsatisfiable

    /// Of a representation with the strong `entityTag`, quotes included, and perhaps the time of its last change, in
    /// seconds since 1970, which never changes twice within a second.
    public init(_ head: RequestHead, entityTag: String, lastModified: Int?, byteCount: Int) {
        let fields = head.fields
        guard let own = EntityTag(Array(entityTag.utf8)[...]) else {
            self = .whole
            return
        }
        func date(_ name: String) -> Int? {
            let values = fields.all(name)
            return values.count == 1 ? HTTPDate.seconds(values[0]) : nil
        }
        if let isThere = EntityTag.field("if-match", fields, has: own.matchesStrongly) {
            guard isThere else {
                self = .preconditionFailed
                return
            }
        } else if let lastModified, let date = date("if-unmodified-since"), lastModified > date {
            self = .preconditionFailed
            return
        }
        if let isKnown = EntityTag.field("if-none-match", fields, has: own.matchesWeakly) {
            if isKnown {
                self = .notModified
                return
            }
        } else if let lastModified, let date = date("if-modified-since"), lastModified <= date {
            self = .notModified
            return
        }
        // Section 14.2: ranges are of GET alone.
        guard head.method == "GET", Self.rangeApplies(fields, own, lastModified), let range = RangeField(fields) else {
            self = .whole
            return
        }
        switch range.answer(byteCount: byteCount) {
        case .whole: self = .whole
        case .part(let bytes): self = .part(bytes)
        case .unsatisfiable: self = .unsatisfiable
        }
    }

    /// Whether what the client has a part of is what there is (`If-Range`, section 13.1.5).
    private static func rangeApplies(_ fields: HeaderFields, _ own: EntityTag, _ lastModified: Int?) -> Bool {
        let values = fields.all("if-range")
        guard let value = values.first else { return true }
        guard values.count == 1 else { return false }
        if let tag = EntityTag(value) { return tag.matchesStrongly(own) }
        return lastModified != nil && HTTPDate.seconds(value) == lastModified
    }
}
