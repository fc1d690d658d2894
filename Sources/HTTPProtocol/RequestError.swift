/// Why the bytes on a connection are no request that can be answered; after any of these the connection closes.
///
/// Sections are those of RFC 9112 unless another document is named.
public enum RequestError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A line ends in LF alone (2.2).
    case bareLineFeed
    /// A CR without a LF (2.2).
    case bareCarriageReturn
    /// The request line is not `method SP target SP version` (3).
    case malformedRequestLine
    /// The target is none of the accepted forms, or has bytes that a URI cannot have (3.2).
    case invalidTarget
    /// A version other than 1.0 and 1.1 (RFC 9110 section 15.6.6).
    case unsupportedVersion
    /// The request line is longer than the limit.
    case requestLineTooLong(limitBytes: Int)
    /// The field lines are longer than the limit.
    case fieldsTooLarge(limitBytes: Int)
    /// More field lines than the limit.
    case tooManyFields(limit: Int)
    /// A field line without a colon, or whose name is no token; a space before the colon counts as such (5.1).
    case invalidFieldName
    /// A control character in a field's value (RFC 9110 section 5.5).
    case invalidFieldValue
    /// A field line that begins with white space (5.2).
    case foldedField
    /// No `Host` in an HTTP/1.1 request (3.2).
    case missingHost
    /// More than one `Host` (3.2).
    case repeatedHost
    /// `Host`, or the authority of an absolute target, is not `host[:port]` (3.2).
    case invalidHost
    /// `Content-Length` is not digits alone, or too large a number (6.3).
    case invalidContentLength
    /// More than one `Content-Length`.
    case repeatedContentLength
    /// `Content-Length` and `Transfer-Encoding` together (6.3).
    case lengthWithTransferEncoding
    /// `Transfer-Encoding` whose last coding is not `chunked`, or that names it twice (6.3).
    case invalidTransferEncoding
    /// A transfer coding besides `chunked` (6.1).
    case unknownTransferCoding
    /// `Transfer-Encoding` in an HTTP/1.0 request (6.1).
    case transferEncodingInHTTP10
    /// `Expect` asks for something else than `100-continue` (RFC 9110 section 10.1.1).
    case unknownExpectation
    /// The body is larger than the limit.
    case bodyTooLarge(limitBytes: Int)
    /// A chunk's size line is not `1*HEXDIG [extensions]` (7.1).
    case invalidChunkSize
    /// A chunk's data do not end in CRLF (7.1).
    case invalidChunkEnd
    /// The chunk extensions are longer than the limit.
    case chunkExtensionsTooLarge
    /// The trailer section is longer than the limit.
    case trailersTooLarge(limitBytes: Int)

    public var description: String {
        switch self {
        case .bareLineFeed: "a line ends in LF alone; lines end in CRLF"
        case .bareCarriageReturn: "a CR that no LF follows"
        case .malformedRequestLine: "the request line is not 'METHOD target HTTP/1.1'"
        case .invalidTarget: "the request target is not a path, an absolute URI, or * with OPTIONS"
        case .unsupportedVersion: "only HTTP/1.1 and HTTP/1.0 are spoken here"
        case .requestLineTooLong(let limit): "the request line is longer than \(limit) bytes"
        case .fieldsTooLarge(let limit): "the header fields are longer than \(limit) bytes"
        case .tooManyFields(let limit): "there are more than \(limit) header fields"
        case .invalidFieldName: "a header field's name is not a token followed by a colon"
        case .invalidFieldValue: "a header field's value holds a control character"
        case .foldedField: "a header field is folded over several lines"
        case .missingHost: "the Host field is missing"
        case .repeatedHost: "there is more than one Host field"
        case .invalidHost: "the host is not 'name' or 'name:port'"
        case .invalidContentLength: "Content-Length is not a number of bytes"
        case .repeatedContentLength: "there is more than one Content-Length field"
        case .lengthWithTransferEncoding: "Content-Length and Transfer-Encoding exclude each other"
        case .invalidTransferEncoding: "Transfer-Encoding must end in chunked, once"
        case .unknownTransferCoding: "the only transfer coding known here is chunked"
        case .transferEncodingInHTTP10: "HTTP/1.0 has no Transfer-Encoding"
        case .unknownExpectation: "the only expectation known here is 100-continue"
        case .bodyTooLarge(let limit): "the body is larger than \(limit) bytes"
        case .invalidChunkSize: "a chunk's size is not a hexadecimal number"
        case .invalidChunkEnd: "a chunk is not followed by CRLF"
        case .chunkExtensionsTooLarge: "the chunk extensions are too long"
        case .trailersTooLarge(let limit): "the trailer fields are longer than \(limit) bytes"
        }
    }
}
