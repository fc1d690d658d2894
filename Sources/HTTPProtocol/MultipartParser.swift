/// Takes a `multipart/form-data` body apart (RFC 7578, RFC 2046 section 5.1).
public struct MultipartParser: Sendable {
    /// Parts in one body.
    public static let largestPartCount = 64
    /// Bytes of one part's header.
    public static let largestPartHeaderBytes = 8 * 1024
    /// Field lines in one part's header.
    public static let largestPartFieldCount = 16

    private let body: ArraySlice<UInt8>
    /// `--boundary`, before which a CRLF comes except at the body's start.
    private let dashBoundary: [UInt8]

    /// The parts of `body`, in order, where `mediaType` is the message's `Content-Type`.
    public static func parse(
        _ body: ArraySlice<UInt8>, mediaType: MediaType
    ) throws(MultipartError) -> [MultipartPart] {
        guard let boundary = mediaType.parameter("boundary"), isValid(boundary: boundary) else {
            throw .invalidBoundary
        }
        let parser = MultipartParser(body: body, dashBoundary: Array("--\(boundary)".utf8))
        return try parser.parts()
    }

    /// 1 to 70 of the characters that RFC 2046 allows, the last no space.
    static func isValid(boundary: String) -> Bool {
        let bytes = Array(boundary.utf8)
        guard (1...70).contains(bytes.count), bytes.last != Octet.space else { return false }
        return bytes.allSatisfy { byte in
            if byte.isDigit || byte.isLetter { return true }
            switch byte {
            // space ' ( ) + , - . / : = ? _
            case 0x20, 0x27...0x29, 0x2B...0x2F, 0x3A, 0x3D, 0x3F, 0x5F: return true
            default: return false
            }
        }
    }

    private func parts() throws(MultipartError) -> [MultipartPart] {
        let search = DelimiterSearch(dashBoundary: dashBoundary)
        var position: Int
        if body.starts(with: dashBoundary) {
            position = body.startIndex + dashBoundary.count
        } else {
            // What comes before the first delimiter is a preamble, meant for nobody.
            guard let found = search.first(in: body, from: body.startIndex) else { throw .noDelimiter }
            position = found + search.count
        }
        var parts: [MultipartPart] = []
        while let contentStart = try afterDelimiter(position) {
            guard parts.count < Self.largestPartCount else { throw .tooManyParts(limit: Self.largestPartCount) }
            let header = try header(from: contentStart)
            // The empty line after a part's header may be the next delimiter's own CRLF: a part without any content.
            guard let end = search.first(in: body, from: header.end - 2) else { throw .truncated }
            parts.append(
                MultipartPart(
                    name: header.name, fileName: header.fileName, mediaType: header.mediaType,
                    content: body[header.end..<max(header.end, end)]))
            position = end + search.count
        }
        return parts
    }

    /// Where the line after a delimiter begins, or nil after the closing delimiter; what follows that is an epilogue.
    private func afterDelimiter(_ position: Int) throws(MultipartError) -> Int? {
        var rest = body[position...]
        if rest.starts(with: [Octet.hyphen, Octet.hyphen]) { return nil }
        while let byte = rest.first, byte.isBlank { rest.removeFirst() }
        guard let first = rest.popFirst() else { throw .truncated }
        guard first == Octet.carriageReturn else { throw .invalidDelimiter }
        guard let second = rest.popFirst() else { throw .truncated }
        guard second == Octet.lineFeed else { throw .invalidDelimiter }
        return rest.startIndex
    }

    private struct Header {
        var name: String
        var fileName: String?
        var mediaType: MediaType?
        /// Where the content begins.
        var end: Int
    }

    private func header(from start: Int) throws(MultipartError) -> Header {
        let window = body[start...].prefix(Self.largestPartHeaderBytes)
        var position = window.startIndex
        var disposition: (name: String, fileName: String?)?
        var mediaType: MediaType?
        for _ in 0...Self.largestPartFieldCount {
            guard let lineEnd = window[position...].firstIndex(of: Octet.lineFeed) else {
                throw window.endIndex == body.endIndex
                    ? .truncated : .partHeaderTooLarge(limitBytes: Self.largestPartHeaderBytes)
            }
            guard lineEnd > position, window[lineEnd - 1] == Octet.carriageReturn else { throw .invalidPartHeader }
            let line = window[position..<(lineEnd - 1)]
            position = lineEnd + 1
            if line.isEmpty {
                guard let disposition else { throw .missingName }
                return Header(
                    name: disposition.name, fileName: disposition.fileName, mediaType: mediaType, end: position)
            }
            guard let (name, value) = try? FieldLine.parse(line) else { throw .invalidPartHeader }
            if name.equalsIgnoringCase("content-disposition") {
                guard disposition == nil, let found = Self.disposition(value) else { throw .missingName }
                disposition = found
            } else if name.equalsIgnoringCase("content-type") {
                mediaType = MediaType(value)
            } else if name.equalsIgnoringCase("content-transfer-encoding") {
                guard ["7bit", "8bit", "binary"].contains(where: value.equalsIgnoringCase) else { throw .encodedPart }
            }
        }
        throw .partHeaderTooLarge(limitBytes: Self.largestPartHeaderBytes)
    }

    /// `form-data; name="..."; filename="..."`, or nil; `filename*` is not for form-data and ignored (RFC 7578 4.2).
    private static func disposition(_ value: ArraySlice<UInt8>) -> (name: String, fileName: String?)? {
        var scanner = FieldScanner(value)
        guard let type = scanner.token(), type.equalsIgnoringCase("form-data"),
            let parameters = scanner.parameters(.quoteAndBackslash), scanner.isAtEnd
        else { return nil }
        let names = parameters.filter { $0.name == "name" }
        let fileNames = parameters.filter { $0.name == "filename" }
        guard names.count == 1, fileNames.count <= 1, let name = text(names[0].value) else { return nil }
        return (name, fileNames.first.flatMap { text($0.value) })
    }

    /// As UTF-8, with %22 read as the quote that browsers write so.
    private static func text(_ bytes: [UInt8]) -> String? {
        String(validating: bytes, as: UTF8.self)?.split(separator: "%22", omittingEmptySubsequences: false)
            .joined(separator: "\"")
    }
}
