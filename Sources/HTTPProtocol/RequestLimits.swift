/// How much of a request is accepted; what is larger is refused before it is kept.
public struct RequestLimits: Sendable, Equatable {
    /// Bytes of the request line without its CRLF; beyond: 414.
    public var requestLineBytes = 8 * 1024
    /// Bytes of all field lines together, CRLFs included; beyond: 431.
    public var fieldBytes = 32 * 1024
    /// Field lines in the header section; beyond: 431.
    public var fieldCount = 100
    /// Bytes of the decoded body; beyond: 413.
    public var bodyBytes = 64 * 1024 * 1024
    /// Bytes of one chunk-size line, extensions included; beyond: 400.
    public var chunkLineBytes = 1024
    /// Bytes of all chunk extensions of one body; beyond: 400.
    public var chunkExtensionBytes = 16 * 1024
    /// Bytes of the trailer section; beyond: 431.
    public var trailerBytes = 8 * 1024
    /// Empty lines that are skipped before a request line (RFC 9112 section 2.2 asks for at least one).
    public var leadingEmptyLines = 1

    /// The limits that each property has by default.
    public init() {}
}
