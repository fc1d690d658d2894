import HTTPProtocol

/// A whole request.
public struct Request: Sendable {
    /// The request as it was parsed, its body whole.
    public let head: RequestHead
    public let body: [UInt8]
    /// The client's `X-Request-Id` if that is safe to repeat, else one of ours.
    public let id: String
    /// Raised when the client has gone or the server stops.
    public let cancellation: RequestCancellation

    /// For tests of handlers; a server makes its own.
    public init(head: RequestHead, body: [UInt8], id: String, cancellation: RequestCancellation) {
        self.head = head
        self.body = body
        self.id = id
        self.cancellation = cancellation
    }
}
