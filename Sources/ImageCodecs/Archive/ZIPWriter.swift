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

    private var archive: [UInt8] = []
    private var directory = ZIPDirectory()

    /// An archive without entries.
    public init() {}

    /// An archive without entries that has room for files of so many bytes: it does not grow by being copied.
    init(roomFor files: [[UInt8]]) {
        // Headers and names are small beside it.
        archive.reserveCapacity(files.reduce(files.count << 9) { $0 + $1.count } + 1 << 16)
    }

    /// Adds a file.
    ///
    /// Throws `ImageError.invalidName` for a name that is empty, too long, used already, absolute, or with `..` or a
    /// backslash in it; `ImageError.countOutOfRange` and `ImageError.outputTooLarge` at the format's limits. After an
    /// error the archive is as before.
    public mutating func add(
        _ name: String, _ bytes: [UInt8], compression: Compression = .stored
    ) throws(ImageError) {
        let (header, data) = try directory.add(name, bytes, compression: compression)
        archive.append(contentsOf: header)
        archive.append(contentsOf: data)
    }

    /// The archive's bytes, without a copy of them; the writer is empty afterwards.
    public mutating func finish() -> [UInt8] {
        archive.append(contentsOf: directory.end())
        defer { self = ZIPWriter() }
        return archive
    }
}
