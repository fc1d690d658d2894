/// Why a body is no `multipart/form-data` (RFC 7578, RFC 2046 section 5.1).
public enum MultipartError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The media type has no `boundary`, or one that RFC 2046 does not allow.
    case invalidBoundary
    /// The body holds no delimiter line.
    case noDelimiter
    /// Something other than CRLF or `--` follows a delimiter.
    case invalidDelimiter
    /// The body ends before the closing delimiter.
    case truncated
    /// More parts than the limit.
    case tooManyParts(limit: Int)
    /// A part's header is longer than the limit, or does not end.
    case partHeaderTooLarge(limitBytes: Int)
    /// A line of a part's header is no field.
    case invalidPartHeader
    /// A part without `Content-Disposition: form-data; name="..."`.
    case missingName
    /// A part encoded in base64 or quoted-printable, which form-data does not use (RFC 7578 section 4.7).
    case encodedPart

    public var description: String {
        switch self {
        case .invalidBoundary: "the Content-Type of the multipart body has no valid boundary"
        case .noDelimiter: "the body does not hold the boundary that its Content-Type names"
        case .invalidDelimiter: "a multipart boundary is not followed by CRLF or --"
        case .truncated: "the multipart body ends before its last boundary"
        case .tooManyParts(let limit): "the multipart body has more than \(limit) parts"
        case .partHeaderTooLarge(let limit): "a part's header is longer than \(limit) bytes"
        case .invalidPartHeader: "a part's header has a line that is no field"
        case .missingName: "a part has no Content-Disposition: form-data with a name"
        case .encodedPart: "a part has a Content-Transfer-Encoding; parts are sent as they are"
        }
    }
}
