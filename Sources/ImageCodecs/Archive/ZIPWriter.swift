/// Writes a ZIP archive in memory, the same bytes for the same entries.
///
/// Entries keep the order in which they are added, are dated 1980-01-01, and have UTF-8 names and no extra fields, so
/// that formats which ask for a stored first entry (`mimetype`) can be written too. Source: PKWARE APPNOTE 6.3.10.
public struct ZIPWriter: Sendable {
    /// How an entry is stored.
    public enum Compression: Sendable {
        /// As it is: right for PNG and JPEG.
        case stored
        /// Deflated, unless that makes it larger.
        case deflated
    }

    /// The most entries that an archive without the 64-bit extension holds.
    public static let maximumEntries = 65_535
    /// The most bytes of an archive without the 64-bit extension; readers that take these for signed stop at 2 GiB.
    public static let maximumByteCount = Int(Int32.max)
    /// The longest name, in UTF-8 bytes.
    public static let maximumNameByteCount = 1_024

    private static let compressionLevel: Int32 = 6
    /// The lengths of the fixed parts of a local header, a directory entry and the end record.
    private static let localHeader = 30
    private static let directoryEntry = 46
    private static let endRecord = 22

    private var archive: [UInt8] = []
    private var directory: [UInt8] = []
    private var names: Set<String> = []

    /// An archive without entries.
    public init() {}

    /// Adds a file.
    ///
    /// Throws `ImageError.invalidName` for a name that is empty, too long, used already, absolute, or with `..` or a
    /// backslash in it; `ImageError.countOutOfRange` and `ImageError.outputTooLarge` at the format's limits. After an
    /// error the archive is as before.
    public mutating func add(
        _ name: String, _ bytes: [UInt8], compression: Compression = .stored
    ) throws(ImageError) {
        let nameBytes = try checkedName(name)
        guard names.count < Self.maximumEntries else {
            throw .countOutOfRange(what: "files", count: names.count + 1, limit: Self.maximumEntries)
        }
        var data = bytes
        if compression == .deflated && !bytes.isEmpty {
            let packed = try bytes.withUnsafeBufferPointer { bytes in
                Result { () throws(ImageError) in
                    try Deflate.compress(bytes, level: Self.compressionLevel, container: .none)
                }
            }.get()
            if packed.count < bytes.count { data = packed }
        }
        let isDeflated = data.count < bytes.count
        let total = archive.count + Self.localHeader + data.count + directory.count + Self.directoryEntry
        guard bytes.count <= Self.maximumByteCount,
            total + 2 * nameBytes.count + Self.endRecord <= Self.maximumByteCount
        else { throw .outputTooLarge(format: "ZIP", limit: "2 GB") }
        let entry = Entry(
            name: nameBytes, crc: bytes.withUnsafeBytes { Deflate.crc32($0) }, packedCount: data.count,
            count: bytes.count, method: isDeflated ? 8 : 0, offset: archive.count)
        entry.appendLocalHeader(to: &archive)
        archive.append(contentsOf: data)
        entry.appendDirectoryEntry(to: &directory)
        names.insert(name)
    }

    /// The archive's bytes; more may be added afterwards for a larger one.
    public func finish() -> [UInt8] {
        var result = archive
        let offset = result.count
        result.append(contentsOf: directory)
        result.append(contentsOf: [0x50, 0x4B, 5, 6])
        Entry.append(0, 4, to: &result)
        Entry.append(names.count, 2, to: &result)
        Entry.append(names.count, 2, to: &result)
        Entry.append(directory.count, 4, to: &result)
        Entry.append(offset, 4, to: &result)
        Entry.append(0, 2, to: &result)
        return result
    }

    private func checkedName(_ name: String) throws(ImageError) -> [UInt8] {
        let bytes = Array(name.utf8)
        guard !bytes.isEmpty, bytes.count <= Self.maximumNameByteCount else {
            throw .invalidName(name, reason: "a file name has 1 to \(Self.maximumNameByteCount) bytes")
        }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard !bytes.contains(0x5C), !bytes.contains(where: { $0 < 0x20 }),
            !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." })
        else { throw .invalidName(name, reason: "it must be a relative path without .., \\ and control characters") }
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
