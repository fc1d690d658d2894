/// What a client would take: the `Accept` field (RFC 9110 section 12.5.1).
public struct AcceptField: Sendable {
    private struct Range: Sendable {
        let type: String
        let subtype: String
        /// 0...1000 for q 0...1.
        let quality: Int

        /// 0: `*/*`, 1: `type/*`, 2: `type/subtype`; nil if the type is not in the range.
        func specificity(for offer: MediaType) -> Int? {
            if type == "*" { return 0 }
            guard type == offer.type else { return nil }
            if subtype == "*" { return 1 }
            return subtype == offer.subtype ? 2 : nil
        }
    }

    private var ranges: [Range] = []

    /// Ranges beyond this many are not looked at.
    private static let largestRangeCount = 64

    /// Reads all `Accept` fields of a request; elements that are malformed count as not there.
    public init(_ fields: HeaderFields) {
        for element in fields.elements("accept") where ranges.count < Self.largestRangeCount {
            var scanner = FieldScanner(element)
            guard let media = MediaType(&scanner), scanner.isAtEnd else { continue }
            guard let quality = Self.quality(media.parameter("q") ?? "1") else { continue }
            ranges.append(Range(type: media.type, subtype: media.subtype, quality: quality))
        }
    }

    /// The best of `offers` (`type/subtype`, the preferred ones first), or nil if the client takes none of them.
    ///
    /// Without an `Accept` field, or with none that can be read, it is the first.
    public func best(of offers: [String]) -> String? {
        guard !ranges.isEmpty else { return offers.first }
        var best: (offer: String, quality: Int)?
        for offer in offers {
            guard let media = MediaType(offer) else { continue }
            var match: (specificity: Int, quality: Int)?
            for range in ranges {
                guard let specificity = range.specificity(for: media) else { continue }
                if let known = match, known.specificity >= specificity { continue }
                match = (specificity, range.quality)
            }
            guard let quality = match?.quality, quality > 0 else { continue }
            if let known = best, known.quality >= quality { continue }
            best = (offer, quality)
        }
        return best?.offer
    }

    /// `0[.ddd]` or `1[.000]` in thousandths (RFC 9110 section 12.4.2), or nil.
    private static func quality(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, first == Octet.zero || first == Octet.zero + 1, bytes.count <= 5 else {
            return nil
        }
        var thousandths = Int(first - Octet.zero) * 1000
        if bytes.count > 1 {
            guard bytes[1] == Octet.dot else { return nil }
            var unit = 100
            for byte in bytes.dropFirst(2) {
                guard byte.isDigit else { return nil }
                thousandths += Int(byte - Octet.zero) * unit
                unit /= 10
            }
        }
        return thousandths <= 1000 ? thousandths : nil
    }
}
