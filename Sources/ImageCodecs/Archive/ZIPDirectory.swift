/// What a ZIP archive has besides its files' data: the header before each of them, and the directory at the end.
///
/// Whoever writes the data behind its header can so write an archive without ever holding it whole. `ZIPWriter` says
/// what the archive is like.
public struct ZIPDirectory: Sendable {
    /// The lengths of the fixed parts of a local header, a directory entry and the end record.
    private static let localHeader = 30
    private static let directoryEntry = 46
    private static let endRecord = 22
    private static let compressionLevel: Int32 = 6

    private var entries: [UInt8] = []
    private var names: Set<String> = []
    /// Bytes of the headers and of the data so far.
    public private(set) var byteCount = 0

    /// The directory of an archive without files.
    public init() {}

    /// The CRC-32 of a file whose bytes come in pieces; begins with 0, and continues with what it gave.
    public static func crc(_ bytes: [UInt8], continuing crc: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBytes { Deflate.crc32($0, continuing: crc) }
    }

    /// Adds a file of `count` bytes that is stored as it is; gives the header that comes before them in the archive.
    /// Throws as `ZIPWriter.add` does.
    public mutating func add(_ name: String, count: Int, crc: UInt32) throws(ImageError) -> [UInt8] {
        try add(name, count: count, crc: crc, packedCount: count, isDeflated: false)
    }

    /// Adds a file that is at hand; gives what comes next in the archive, the header and the data as they are stored.
    /// Throws as `ZIPWriter.add` does.
    public mutating func add(
        _ name: String, _ bytes: [UInt8], compression: ZIPWriter.Compression
    ) throws(ImageError) -> (header: [UInt8], data: [UInt8]) {
        var data = bytes
        if compression == .deflated && !bytes.isEmpty {
            let packed = try bytes.withUnsafeBufferPointer { bytes in
                Result { () throws(ImageError) in
                    try Deflate.compress(bytes, level: Self.compressionLevel, container: .none)
                }
            }.get()
            if packed.count < bytes.count { data = packed }
        }
        let header = try add(
            name, count: bytes.count, crc: Self.crc(bytes), packedCount: data.count,
            isDeflated: data.count < bytes.count)
        return (header, data)
    }

    private mutating func add(
        _ name: String, count: Int, crc: UInt32, packedCount: Int, isDeflated: Bool
    ) throws(ImageError) -> [UInt8] {
        let nameBytes = try checkedName(name)
        guard names.count < ZIPWriter.maximumEntries else {
            throw .countOutOfRange(what: "files", count: names.count + 1, limit: ZIPWriter.maximumEntries)
        }
        let limit = ZIPWriter.maximumByteCount
        guard count <= limit, packedCount <= limit,
            byteCount + Self.localHeader + packedCount + entries.count + Self.directoryEntry + 2 * nameBytes.count
                + Self.endRecord <= limit
        else { throw .outputTooLarge(format: "ZIP", limit: "2 GB") }
        let entry = Entry(
            name: nameBytes, crc: crc, packedCount: packedCount, count: count, method: isDeflated ? 8 : 0,
            offset: byteCount)
        var header: [UInt8] = []
        entry.appendLocalHeader(to: &header)
        entry.appendDirectoryEntry(to: &entries)
        byteCount += header.count + packedCount
        names.insert(name)
        return header
    }

    /// What comes behind the last file's data.
    public func end() -> [UInt8] {
        var result = entries
        result.append(contentsOf: [0x50, 0x4B, 5, 6])
        Entry.append(0, 4, to: &result)
        Entry.append(names.count, 2, to: &result)
        Entry.append(names.count, 2, to: &result)
        Entry.append(entries.count, 4, to: &result)
        Entry.append(byteCount, 4, to: &result)
        Entry.append(0, 2, to: &result)
        return result
    }

    private func checkedName(_ name: String) throws(ImageError) -> [UInt8] {
        let bytes = Array(name.utf8)
        guard !bytes.isEmpty, bytes.count <= ZIPWriter.maximumNameByteCount else {
            throw .invalidName(name, reason: "a file name has 1 to \(ZIPWriter.maximumNameByteCount) bytes")
        }
        guard !bytes.contains(0x5C), !bytes.contains(where: { $0 < 0x20 }), RelativePath.staysInside(name) else {
            throw .invalidName(name, reason: "it must be a relative path without .., \\ and control characters")
        }
        guard !names.contains(name) else { throw .invalidName(name, reason: "the archive has it already") }
        return bytes
    }

    /// One file's place in the archive.
    private struct Entry {
        let name: [UInt8]
        let crc: UInt32
        let packedCount: Int
        let count: Int
        let method: Int
        let offset: Int

        func appendLocalHeader(to bytes: inout [UInt8]) {
            bytes.append(contentsOf: [0x50, 0x4B, 3, 4])
            appendCommonFields(to: &bytes)
            bytes.append(contentsOf: name)
        }

        func appendDirectoryEntry(to bytes: inout [UInt8]) {
            bytes.append(contentsOf: [0x50, 0x4B, 1, 2])
            // Made on Unix by version 2.0, so that the permissions below count.
            Entry.append(3 << 8 | 20, 2, to: &bytes)
            appendCommonFields(to: &bytes)
            // No comment, disk 0, no internal attributes; a plain file that all may read.
            Entry.append(0, 2, to: &bytes)
            Entry.append(0, 2, to: &bytes)
            Entry.append(0, 2, to: &bytes)
            Entry.append(0o100644 << 16, 4, to: &bytes)
            Entry.append(offset, 4, to: &bytes)
            bytes.append(contentsOf: name)
        }

        private func appendCommonFields(to bytes: inout [UInt8]) {
            Entry.append(20, 2, to: &bytes)
            // Bit 11: the name is UTF-8.
            Entry.append(1 << 11, 2, to: &bytes)
            Entry.append(method, 2, to: &bytes)
            // 00:00 on 1 January 1980, the first moment that ZIP knows.
            Entry.append(0, 2, to: &bytes)
            Entry.append(1 << 5 | 1, 2, to: &bytes)
            Entry.append(Int(crc), 4, to: &bytes)
            Entry.append(packedCount, 4, to: &bytes)
            Entry.append(count, 4, to: &bytes)
            Entry.append(name.count, 2, to: &bytes)
            Entry.append(0, 2, to: &bytes)
        }

        /// A number of `size` bytes, lowest first.
        static func append(_ value: Int, _ size: Int, to bytes: inout [UInt8]) {
            for index in 0..<size { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
        }
    }
}
