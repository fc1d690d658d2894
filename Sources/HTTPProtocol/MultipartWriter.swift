/// Writes a `multipart/form-data` body in pieces; the parts' contents are not copied.
public struct MultipartWriter: Sendable {
    /// What the boundary is made of; none of them needs quotes.
    public static let boundaryAlphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-".utf8)

    private let boundary: String
    private var pieces: [[UInt8]] = []

    /// `boundary` is 32 to 60 random characters of `boundaryAlphabet`: long enough that no content holds it by chance.
    public init(boundary: String) {
        precondition(
            (32...60).contains(boundary.utf8.count) && boundary.utf8.allSatisfy(Self.boundaryAlphabet.contains),
            "a boundary is 32 to 60 characters of [0-9A-Za-z_-]")
        self.boundary = boundary
    }

    /// The `Content-Type` of the whole.
    public var contentType: String { "multipart/form-data; boundary=\(boundary)" }

    /// Adds a part. Names are ours: ASCII without quotes, line ends and percent signs.
    public mutating func add(name: String, fileName: String?, contentType: String, content: [UInt8]) {
        pieces.append(header(name: name, fileName: fileName, contentType: contentType, isFirst: pieces.isEmpty))
        pieces.append(content)
    }

    /// What comes before a part's content, for bodies whose contents are elsewhere.
    public func header(name: String, fileName: String?, contentType: String, isFirst: Bool) -> [UInt8] {
        for text in [name, fileName ?? ""] {
            precondition(
                text.utf8.allSatisfy {
                    $0 >= Octet.space && $0 < Octet.delete && $0 != Octet.quote && $0 != Octet.percent
                },
                "a part's name is plain ASCII")
        }
        let file = fileName.map { "; filename=\"\($0)\"" } ?? ""
        let header =
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\(file)\r\n"
            + "Content-Type: \(contentType)\r\n\r\n"
        // The CRLF before each delimiter but the first belongs to the delimiter.
        return Array((isFirst ? header : "\r\n" + header).utf8)
    }

    /// What comes behind the last part's content.
    public var closing: [UInt8] { Array("\r\n--\(boundary)--\r\n".utf8) }

    /// The body's pieces, closed.
    public func finished() -> [[UInt8]] {
        pieces + [pieces.isEmpty ? Array(closing.dropFirst(2)) : closing]
    }
}
