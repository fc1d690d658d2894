/// HTTP/1.0 or HTTP/1.1; nothing else is spoken.
public enum HTTPVersion: Sendable, Equatable {
    case http10
    case http11
}

/// How the end of a request's body is found (RFC 9112 section 6.3).
public enum BodyFraming: Sendable, Equatable {
    /// Neither length nor transfer coding: no body.
    case none
    /// So many bytes.
    case length(Int)
    /// Chunks, the last of size 0.
    case chunked
}

/// A request without its body.
public struct RequestHead: Sendable {
    /// As sent; methods are case-sensitive.
    public let method: String
    public let target: RequestTarget
    public let version: HTTPVersion
    public let fields: HeaderFields
    public let framing: BodyFraming
    /// True if the client would send another request on this connection (RFC 9112 section 9.3).
    public let keepsAlive: Bool
    /// True if the client waits for `100 Continue` before it sends the body.
    public let expectsContinue: Bool

    /// True if a body follows.
    public var hasBody: Bool { framing != .none && framing != .length(0) }
}
