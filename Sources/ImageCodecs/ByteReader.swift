/// A place in a file that anybody may have made: every step is checked against the end.
struct ByteReader {
    /// The whole file.
    let bytes: [UInt8]
    /// What the errors call the file.
    let format: ImageFormat
    private(set) var offset: Int
    /// Just after the last byte that may be read.
    let end: Int

    /// Reads a file from its first byte.
    init(_ bytes: [UInt8], format: ImageFormat) {
        self.bytes = bytes
        self.format = format
        offset = 0
        end = bytes.count
    }

    private init(_ other: ByteReader, range: Range<Int>) {
        bytes = other.bytes
        format = other.format
        offset = range.lowerBound
        end = range.upperBound
    }

    /// Bytes that are left.
    var remaining: Int { end - offset }

    /// A reader of the next `count` bytes, which are passed over here.
    mutating func part(_ count: Int) throws(ImageError) -> ByteReader {
        let start = offset
        try skip(count)
        return ByteReader(self, range: start..<offset)
    }

    /// Passes over bytes; throws `ImageError.truncated` if there are fewer.
    mutating func skip(_ count: Int) throws(ImageError) {
        guard count >= 0, count <= remaining else { throw .truncated(format) }
        offset += count
    }

    /// The next bytes.
    mutating func take(_ count: Int) throws(ImageError) -> ArraySlice<UInt8> {
        let start = offset
        try skip(count)
        return bytes[start..<offset]
    }

    /// A number of `size` bytes (at most 8), highest first; one beyond `Int` counts as the highest.
    mutating func number(_ size: Int) throws(ImageError) -> Int {
        let value = try take(size).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Int(clamping: value)
    }

    /// A signed number of 2 or 4 bytes, highest first.
    mutating func signed(_ size: Int) throws(ImageError) -> Int {
        let value = try number(size)
        let bits = size * 8
        return value >= 1 << (bits - 1) ? value - (1 << bits) : value
    }

    /// The next bytes as ASCII; others become replacement characters.
    mutating func text(_ count: Int) throws(ImageError) -> String {
        String(decoding: try take(count), as: UTF8.self)
    }

    /// `damaged` with a reason.
    func damaged(_ detail: String) -> ImageError { .damaged(format, detail: detail) }
}
