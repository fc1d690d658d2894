/// Reads what GGUF consists of, from the beginning on; little-endian numbers at any address.
///
/// Nothing is read beyond the bytes, and no length is believed before it is compared with what is left.
struct GGUFReader {
    private let bytes: UnsafeRawBufferPointer
    /// Where the next read begins.
    private(set) var offset = 0

    /// Begins at the first byte.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// Bytes behind `offset`.
    var remaining: Int { bytes.count - offset }

    /// The next number. Throws `endsEarly`.
    mutating func number<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(GGUFProblem) -> T {
        let size = MemoryLayout<T>.size
        guard size <= remaining else { throw .endsEarly(foundBytes: bytes.count) }
        let value = bytes.loadUnaligned(fromByteOffset: offset, as: T.self)
        offset += size
        return T(littleEndian: value)
    }

    /// The next count of something, at most `limit`. Throws `endsEarly` or `tooMany`.
    mutating func count(of what: String, limit: Int) throws(GGUFProblem) -> Int {
        let found = try number(UInt64.self)
        guard found <= UInt64(limit) else { throw .tooMany(what: what, found: found, limit: limit) }
        return Int(found)
    }

    /// Goes over `count` things of `size` bytes. Throws `endsEarly`.
    mutating func skip(_ count: Int, of size: Int) throws(GGUFProblem) {
        // Divided, because the product might not fit.
        guard count <= remaining / size else { throw .endsEarly(foundBytes: bytes.count) }
        offset += count * size
    }

    /// The next text; nil for one longer than `limit`, which is gone over. Throws `endsEarly` or `invalidName`.
    mutating func text(limit: Int) throws(GGUFProblem) -> String? {
        let length = try number(UInt64.self)
        guard length <= UInt64(remaining) else { throw .endsEarly(foundBytes: bytes.count) }
        let range = offset..<(offset + Int(length))
        defer { offset = range.upperBound }
        guard range.count <= limit else { return nil }
        guard let text = String(validating: bytes[range], as: UTF8.self) else {
            throw .invalidName(offset: range.lowerBound)
        }
        return text
    }

    /// The next text that is a name: not empty, at most `limit` bytes. Throws `endsEarly`, `invalidName`, `tooMany`.
    mutating func name(limit: Int) throws(GGUFProblem) -> String {
        let start = offset
        guard let name = try text(limit: limit) else {
            throw .tooMany(
                what: "bytes in a name", found: UInt64(offset - start - MemoryLayout<UInt64>.size), limit: limit)
        }
        guard !name.isEmpty else { throw .invalidName(offset: start) }
        return name
    }
}
