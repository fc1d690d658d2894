/// Reads ZIP archives that anybody may have made.
///
/// Only what is beyond doubt is taken: one directory at the end, entries that do not overlap, each name once, sizes and
/// sums that are true. Entries that are not read here (names that leave the folder, links, encryption, other
/// compression) may be there as long as nobody asks for them. Source: PKWARE APPNOTE 6.3.10.
public struct ZIPReader: Sendable {
    /// The most entries.
    public static let maximumEntries = 20_000
    /// The most bytes of all entries that can be read together, unpacked.
    public static let maximumUnpackedByteCount = 2 << 30

    private static let endRecord = 22
    private static let longestComment = 65_535
    /// The most bytes that one byte of DEFLATE can become, and what a short entry may have beyond it.
    private static let largestInflation = 1_032

    private struct Entry {
        let name: String
        /// The name's bytes, as the local header has them too.
        let nameBytes: ArraySlice<UInt8>
        let flags: Int
        let method: Int
        let sum: Int
        let packedCount: Int
        let count: Int
        let headerOffset: Int
        /// Why it cannot be read, if so.
        let refusal: ImageError?
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
                throw Self.damaged("it has \"\(Self.shown(entry.name))\" twice")
            }
            // What is not read takes nothing, whatever its size.
            if entry.refusal == nil { total += entry.count }
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

    /// The names of entries that can be read, in the directory's order: no folders, nothing that leaves the folder.
    public var names: [String] { entries.filter { $0.refusal == nil }.map(\.name) }

    /// Whether there is an entry of this name, to be read or to be refused.
    public func contains(_ name: String) -> Bool { places[name] != nil }

    /// The entry's bytes, unpacked and compared with their sum.
    ///
    /// Throws `ImageError.invalidName` or `unsupportedFeature` for an entry that is not read here, `inputTooLarge` for
    /// more than `limit` bytes, and `damaged` for a name that is not there or data that is not what the directory says.
    public func read(_ name: String, limit: Int) throws(ImageError) -> [UInt8] {
        guard let place = places[name] else { throw Self.damaged("it has no \"\(Self.shown(name))\"") }
        let entry = entries[place]
        if let refusal = entry.refusal { throw refusal }
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
        let nameBytes = try reader.take(nameLength)
        try reader.skip(extraLength + commentLength)
        // Many writers have UTF-8 and do not say so in bit 11; what is not UTF-8 is what the bit's absence says.
        guard let name = String(validating: nameBytes, as: UTF8.self) ?? (flags & 0x800 == 0 ? cp437(nameBytes) : nil)
        else { throw damaged("a name that is not UTF-8") }
        guard disk == 0 else { throw .unsupportedFeature(.zip, detail: "an archive in several parts") }
        guard packedCount < 0xFFFF_FFFF, count < 0xFFFF_FFFF, offset < 0xFFFF_FFFF else {
            throw .unsupportedFeature(.zip, detail: "the 64-bit extension")
        }
        if name.hasSuffix("/") {
            guard count == 0 else { throw damaged("the folder \"\(shown(name))\" has bytes") }
            return nil
        }
        // The file type of Unix, where the archive comes from there: links are no files.
        let isLink = system == 3 && attributes >> 28 == 0xA
        let refusal = refusal(of: name, isLink: isLink, flags: flags, method: method)
        let most = method == 0 ? packedCount : packedCount * largestInflation
        guard refusal != nil || (count <= most && (method == 8 || count == packedCount)) else {
            throw damaged("\"\(shown(name))\" cannot be as large as it says")
        }
        return Entry(
            name: name, nameBytes: nameBytes, flags: flags, method: method, sum: sum, packedCount: packedCount,
            count: count, headerOffset: offset, refusal: refusal)
    }

    /// Why an entry cannot be read; nil for one that can.
    private static func refusal(of name: String, isLink: Bool, flags: Int, method: Int) -> ImageError? {
        if !isRelativePath(name) {
            return .invalidName(
                shown(name), reason: "files in an archive have relative paths without .., \\, : and control characters")
        }
        if flags & 1 != 0 { return .unsupportedFeature(.zip, detail: "encryption (\"\(shown(name))\")") }
        if isLink { return .unsupportedFeature(.zip, detail: "links (\"\(shown(name))\")") }
        if method != 0, method != 8 {
            return .unsupportedFeature(.zip, detail: "compression \(method) (\"\(shown(name))\")")
        }
        return nil
    }

    /// Whether a name stays in its folder, whatever system takes it for a path.
    private static func isRelativePath(_ name: String) -> Bool {
        name.utf8.count <= ZIPWriter.maximumNameByteCount
            && !name.utf8.contains { $0 < 0x20 || $0 == 0x7F || $0 == 0x5C || $0 == 0x3A }
            && RelativePath.staysInside(name)
    }

    /// A name for a line of text.
    private static func shown(_ name: String) -> String {
        String(String.UnicodeScalarView(name.unicodeScalars.filter { $0.value >= 0x20 }.prefix(80)))
    }

    /// The upper half of code page 437, in which names are that do not say otherwise.
    private static let upperCP437 = Array(
        ("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐"
            + "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}")
            .unicodeScalars)

    private static func cp437(_ bytes: ArraySlice<UInt8>) -> String {
        var scalars = String.UnicodeScalarView()
        for byte in bytes { scalars.append(byte < 0x80 ? Unicode.Scalar(byte) : upperCP437[Int(byte) - 0x80]) }
        return String(scalars)
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
            var packedCount = try reader.number(4)
            var count = try reader.number(4)
            let nameLength = try reader.number(2)
            let extraLength = try reader.number(2)
            let name = try reader.take(nameLength)
            let extra = try reader.part(extraLength)
            if packedCount == 0xFFFF_FFFF, count == 0xFFFF_FFFF { (count, packedCount) = try Self.longSizes(extra) }
            // With bit 3 sizes and sum come after the data; the directory has them in any case.
            let isDeferred = flags & 8 != 0
            guard name.elementsEqual(entry.nameBytes), method == entry.method, flags & 1 == entry.flags & 1,
                isDeferred || (sum == entry.sum && packedCount == entry.packedCount && count == entry.count)
            else { throw Self.damaged("\"\(Self.shown(entry.name))\" is not what the directory says") }
            guard entry.packedCount <= reader.remaining else { throw .truncated(.zip) }
            entries[index].dataOffset = reader.offset
            free = reader.offset + entry.packedCount
        }
    }

    /// The sizes that a writer put into the 64-bit extension, which it may do for any (4.5.3): unpacked and packed.
    private static func longSizes(_ extra: LittleEndianReader) throws(ImageError) -> (Int, Int) {
        var extra = extra
        while extra.remaining >= 4 {
            let id = try extra.number(2)
            var field = try extra.part(try extra.number(2))
            if id == 1 { return (try field.number(8), try field.number(8)) }
        }
        throw damaged("an entry of 64-bit sizes without them")
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

    /// A reader of the next `count` bytes, which are passed over here.
    mutating func part(_ count: Int) throws(ImageError) -> LittleEndianReader {
        let start = offset
        try skip(count)
        return LittleEndianReader(bytes, start..<offset)
    }

    mutating func take(_ count: Int) throws(ImageError) -> ArraySlice<UInt8> {
        let start = offset
        try skip(count)
        return bytes[start..<offset]
    }

    /// At most 8 bytes; one beyond `Int` counts as the highest.
    mutating func number(_ size: Int) throws(ImageError) -> Int {
        Int(clamping: try take(size).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
}
