/// Notes put into PNGs that are there already.
public enum PNGTexts {
    /// The signature and the header chunk, which comes first.
    private static let headerByteCount = 8 + 25

    /// The PNG with notes behind its header; pixels are not touched.
    ///
    /// `png` is one of ours. Throws as `PNGEncoder` does for notes that it cannot hold.
    public static func inserting(_ texts: [PNGOptions.Text], into png: [UInt8]) throws(ImageError) -> [UInt8] {
        guard !texts.isEmpty else { return png }
        guard png.count > headerByteCount, ImageFormat.detect(png) == .png else { throw .notAPicture }
        var chunks = BigEndianBytes()
        try PNGEncoder.appendTexts(texts, to: &chunks)
        var result: [UInt8] = []
        result.reserveCapacity(png.count + chunks.bytes.count)
        result += png[..<headerByteCount]
        result += chunks.bytes
        result += png[headerByteCount...]
        return result
    }
}
