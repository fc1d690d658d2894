/// Notes put into PNGs that are there already.
public enum PNGTexts {
    /// Where notes stand in a PNG: behind the signature and the header chunk, which comes first.
    public static let offset = 8 + 25

    /// The PNG with notes behind its header; pixels are not touched.
    ///
    /// `png` is one of ours. Throws as `PNGEncoder` does for notes that it cannot hold.
    public static func inserting(_ texts: [PNGOptions.Text], into png: [UInt8]) throws(ImageError) -> [UInt8] {
        guard !texts.isEmpty else { return png }
        guard png.count > offset, ImageFormat.detect(png) == .png else { throw .notAPicture }
        let chunks = try chunks(texts)
        var result: [UInt8] = []
        result.reserveCapacity(png.count + chunks.count)
        result += png[..<offset]
        result += chunks
        result += png[offset...]
        return result
    }

    /// The notes alone, as they stand at `offset`. Throws as `PNGEncoder` does for notes that it cannot hold.
    public static func chunks(_ texts: [PNGOptions.Text]) throws(ImageError) -> [UInt8] {
        var chunks = BigEndianBytes()
        try PNGEncoder.appendTexts(texts, to: &chunks)
        return chunks.bytes
    }
}
