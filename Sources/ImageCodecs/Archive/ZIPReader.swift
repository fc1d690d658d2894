/// Reads ZIP archives that anybody may have made.
///
/// Only what is beyond doubt is taken: one directory at the end, entries that neither overlap nor leave the folder,
/// each name once, sizes and sums that are true. Source: PKWARE APPNOTE 6.3.10.
public struct ZIPReader: Sendable {
    /// The most entries.
    public static let maximumEntries = 20_000
    /// The most bytes of all entries together, unpacked.
    public static let maximumUnpackedByteCount = 2 << 30

    private static let endRecord = 22
    private static let longestComment = 65_535
    /// The most bytes that one byte of DEFLATE can become, and what a short entry may have beyond it.
    private static let largestInflation = 1_032

    private struct Entry {
        let name: String
        let flags: Int
        let method: Int
        let sum: Int
        let packedCount: Int
        let count: Int
        let headerOffset: Int
        /// Where the data begins; known after the local header was read.
        var dataOffset = 0
    }

    private let bytes: [UInt8]
    private var entries: [Entry] = []
    private var places: [String: Int] = [:]

    /// Reads the directory and checks it against the entries; no entry is unpacked.
    ///
    /// Throws `ImageError`.
    public init(_ bytes: [UInt8]) throws(ImageError) {
        self.bytes = bytes
        guard Self.isArchive(bytes) else { throw .notAPicture }
        let directory = try directory()
        var reader = LittleEndianReader(bytes, directory.range)
        var total = 0
        for _ in 0..<directory.count {
            guard let entry = try Self.entry(&reader) else { continue }
            guard places.updateValue(entries.count, forKey: entry.name) == nil else {
                throw Self.damaged("it has \"\(entry.name.prefix(80))\" twice")
            }
            total += entry.count
            guard total <= Self.maximumUnpackedByteCount else {
                throw .inputTooLarge(byteCount: total, limit: Self.maximumUnpackedByteCount)
            }
            entries.append(entry)
        }
        guard reader.remaining == 0 else { throw Self.damaged("its directory has more in it than it says") }
        try locate(before: directory.range.lowerBound)
    }

    /// Whether a file begins as an archive with entries does.
    public static func isArchive(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x50, 0x4B, 3, 4]) }

    /// The entries' names, in the directory's order; folders are left out.
    public var names: [String] { entries.map(\.name) }

    /// Whether there is an entry of this name.
    public func contains(_ name: String) -> Bool { places[name] != nil }

    /// The entry's bytes, unpacked and compared with their sum.
    ///
    /// Throws `ImageError.inputTooLarge` for more than `limit` bytes, and `damaged` for a name that is not there or
    /// data that is not what the directory says.
    public func read(_ name: String, limit: Int) throws(ImageError) -> [UInt8] {
        guard let place = places[name] else { throw Self.damaged("it has no \"\(name.prefix(80))\"") }
        let entry = entries[place]
        guard entry.count <= limit else { throw .inputTooLarge(byteCount: entry.count, limit: limit) }
        let data = bytes[entry.dataOffset..<entry.dataOffset + entry.packedCount]
        let unpacked =
            entry.method == 0
            ? Array(data) : try Deflate.decompress(data, count: entry.count, container: .none)
        guard let unpacked, unpacked.withUnsafeBytes({ Deflate.crc32($0) }) == UInt32(entry.sum) else {
            throw Self.damaged("\"\(name.prefix(80))\" is not what its sum says")
        }
        return unpacked
    }

    private static func damaged(_ detail: String) -> ImageError { .damaged(.zip, detail: detail) }

    // MARK: Directory

    /// The end record stands at the end: a comment behind it must be exactly as long as it says.
    private func directory() throws(ImageError) -> (range: Range<Int>, count: Int) {
        guard bytes.count >= Self.endRecord else { throw .truncated(.zip) }
        let last = bytes.count - Self.endRecord
        for start in stride(from: last, through: max(0, last - Self.longestComment), by: -1)
        where bytes[start] == 0x50 && bytes[start + 1] == 0x4B && bytes[start + 2] == 5 && bytes[start + 3] == 6 {
            var reader = LittleEndianReader(bytes, start + 4..<bytes.count)
            let disks = try reader.number(4)
            let here = try reader.number(2)
            let count = try reader.number(2)
            let size = try reader.number(4)
            let offset = try reader.number(4)
            guard try reader.number(2) == reader.remaining else { continue }
            guard disks == 0, here == count else {
                throw .unsupportedFeature(.zip, detail: "an archive in several parts")
            }
            guard count < 0xFFFF, size < 0xFFFF_FFFF, offset < 0xFFFF_FFFF else {
                throw .unsupportedFeature(.zip, detail: "the 64-bit extension")
            }
            guard count <= Self.maximumEntries else {
                throw .countOutOfRange(what: "files in the archive", count: count, limit: Self.maximumEntries)
            }
            guard offset + size == start else { throw Self.damaged("its directory is not where it should be") }
            return (offset..<start, count)
        }
        throw .truncated(.zip)
    }

    /// The next entry of the directory; nil for a folder.
    private static func entry(_ reader: inout LittleEndianReader) throws(ImageError) -> Entry? {
        guard try reader.number(4) == 0x0201_4B50 else { throw damaged("its directory is not one") }
        let system = try reader.number(2) >> 8
        try reader.skip(2)
        let flags = try reader.number(2)
        let method = try reader.number(2)
        try reader.skip(4)
        let sum = try reader.number(4)
        let packedCount = try reader.number(4)
        let count = try reader.number(4)
        let nameLength = try reader.number(2)
        let extraLength = try reader.number(2)
        let commentLength = try reader.number(2)
        let disk = try reader.number(2)
        try reader.skip(2)
        let attributes = try reader.number(4)
        let offset = try reader.number(4)
        let name = try checkedName(try reader.take(nameLength))
        try reader.skip(extraLength + commentLength)
        guard flags & 1 == 0 else { throw .unsupportedFeature(.zip, detail: "encryption (\"\(name.prefix(80))\")") }
        guard disk == 0 else { throw .unsupportedFeature(.zip, detail: "an archive in several parts") }
        guard packedCount < 0xFFFF_FFFF, count < 0xFFFF_FFFF, offset < 0xFFFF_FFFF else {
            throw .unsupportedFeature(.zip, detail: "the 64-bit extension")
        }
        // The file type of Unix, where the archive comes from there: links are no files.
        if system == 3, attributes >> 28 == 0xA {
            throw .unsupportedFeature(.zip, detail: "links (\"\(name.prefix(80))\")")
        }
        if name.hasSuffix("/") {
            guard count == 0 else { throw damaged("the folder \"\(name.prefix(80))\" has bytes") }
            return nil
        }
        guard method == 0 || method == 8 else {
            throw .unsupportedFeature(.zip, detail: "compression \(method) (\"\(name.prefix(80))\")")
        }
        let most = method == 0 ? packedCount : packedCount * largestInflation
        guard count <= most, method == 8 || count == packedCount else {
            throw damaged("\"\(name.prefix(80))\" cannot be as large as it says")
        }
        return Entry(
            name: name, flags: flags, method: method, sum: sum, packedCount: packedCount, count: count,
            headerOffset: offset)
    }

    /// A relative path in UTF-8 that stays in its folder.
    private static func checkedName(_ bytes: ArraySlice<UInt8>) throws(ImageError) -> String {
        guard let name = String(validating: bytes, as: UTF8.self) else { throw damaged("a name that is not UTF-8") }
        let path = name.hasSuffix("/") ? name.dropLast() : name[...]
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !bytes.isEmpty, bytes.count <= ZIPWriter.maximumNameByteCount,
            !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F || $0 == 0x5C || $0 == 0x3A }),
            !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." })
        else {
            let shown = String(String.UnicodeScalarView(name.unicodeScalars.filter { $0.value >= 0x20 }.prefix(80)))
            throw .invalidName(
                shown, reason: "files in an archive have relative paths without .., \\, : and control characters")
        }
        return name
    }

    // MARK: Entries

    /// Reads the local headers, which must agree with the directory and not overlap.
    private mutating func locate(before end: Int) throws(ImageError) {
        var free = 0
        for index in entries.indices.sorted(by: { entries[$0].headerOffset < entries[$1].headerOffset }) {
            let entry = entries[index]
            guard entry.headerOffset >= free else { throw Self.damaged("entries that overlap") }
            guard entry.headerOffset < end else { throw Self.damaged("entries that lie outside") }
            var reader = LittleEndianReader(bytes, entry.headerOffset..<end)
            guard try reader.number(4) == 0x0403_4B50 else { throw Self.damaged("an entry without its header") }
            try reader.skip(2)
            let flags = try reader.number(2)
            let method = try reader.number(2)
            try reader.skip(4)
            let sum = try reader.number(4)
            let packedCount = try reader.number(4)
            let count = try reader.number(4)
            let nameLength = try reader.number(2)
            let extraLength = try reader.number(2)
            let name = try reader.take(nameLength)
            try reader.skip(extraLength)
            // With bit 3 sizes and sum come after the data; the directory has them in any case.
            let isDeferred = flags & 8 != 0
            guard name.elementsEqual(entry.name.utf8), method == entry.method, flags & 1 == 0,
                isDeferred || (sum == entry.sum && packedCount == entry.packedCount && count == entry.count)
            else { throw Self.damaged("\"\(entry.name.prefix(80))\" is not what the directory says") }
            guard entry.packedCount <= reader.remaining else { throw .truncated(.zip) }
            entries[index].dataOffset = reader.offset
            free = reader.offset + entry.packedCount
        }
    }
}

/// Numbers with their lowest byte first, checked against the end.
private struct LittleEndianReader {
    private let bytes: [UInt8]
    private(set) var offset: Int
    private let end: Int

    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        offset = range.lowerBound
        end = range.upperBound
    }

    var remaining: Int { end - offset }

    mutating func skip(_ count: Int) throws(ImageError) {
        guard count <= remaining else { throw .truncated(.zip) }
        offset += count
    }

    mutating func take(_ count: Int) throws(ImageError) -> ArraySlice<UInt8> {
        let start = offset
        try skip(count)
        return bytes[start..<offset]
    }

    /// At most 4 bytes.
    mutating func number(_ size: Int) throws(ImageError) -> Int {
        try take(size).reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}
