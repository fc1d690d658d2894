extension Response {
    /// Keeps of the body only these bytes, which lie within it.
    public mutating func keep(_ range: Range<Int>) {
        var kept: [[UInt8]] = []
        var start = 0
        for piece in body {
            let part = range.clamped(to: start..<start + piece.count)
            if !part.isEmpty { kept.append(Array(piece[part.lowerBound - start..<part.upperBound - start])) }
            start += piece.count
        }
        body = kept
        guard let whole = source else { return }
        let part = range.clamped(to: start..<start + whole.byteCount)
        source = part.isEmpty ? nil : PartOfSource(whole, part.lowerBound - start..<part.upperBound - start)
    }
}

/// Some of the bytes of another source.
private struct PartOfSource: BodySource {
    private let whole: any BodySource
    private let range: Range<Int>

    init(_ whole: any BodySource, _ range: Range<Int>) {
        self.whole = whole
        self.range = range
    }

    var byteCount: Int { range.count }

    /// What is in memory is there as a whole.
    var heldByteCount: Int { whole.heldByteCount }

    func bytes(_ part: Range<Int>) throws -> [UInt8] {
        try whole.bytes(range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
    }
}
