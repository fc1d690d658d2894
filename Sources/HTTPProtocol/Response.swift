/// An answer: status, fields and a body in pieces, so that large parts need not be joined.
///
/// `Content-Length`, `Transfer-Encoding`, `Connection` and
/// `Date` belong to the connection and are written by `encoded`.
public struct Response: Sendable {
    /// The status code, the fields in order, and the pieces of the body.
    public var status: Int
    public var fields: [(name: String, value: String)]
    public var body: [[UInt8]]

    /// A response of these parts.
    public init(status: Int, fields: [(name: String, value: String)] = [], body: [[UInt8]] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// Bytes of the body.
    public var bodyByteCount: Int { body.reduce(0) { $0 + $1.count } }

    /// The bytes to send: the head, then the body's pieces; small answers are one piece.
    ///
    /// `method` is the request's, if one could be read: HEAD gets the fields of GET and no body (RFC 9110 section
    /// 9.3.2). `version` is the request's: an HTTP/1.0 client must be told of a connection that stays open.
    public func encoded(method: String?, version: HTTPVersion, keepsAlive: Bool, date: String) -> [[UInt8]] {
        var head: [UInt8] = []
        head.reserveCapacity(Self.usualHeadBytes)
        head.append(contentsOf: "HTTP/1.1 \(status) \(StatusCode.reason(status))\r\n".utf8)
        for field in fields where !Self.connectionFields.contains(where: { field.name.lowercased() == $0 }) {
            Self.append(field.name, field.value, to: &head)
        }
        Self.append("Date", date, to: &head)
        if !keepsAlive {
            Self.append("Connection", "close", to: &head)
        } else if version == .http10 {
            Self.append("Connection", "keep-alive", to: &head)
        }
        let mayHaveBody = status >= 200 && status != 204 && status != 304
        if mayHaveBody { Self.append("Content-Length", "\(bodyByteCount)", to: &head) }
        head.append(contentsOf: [Octet.carriageReturn, Octet.lineFeed])
        guard mayHaveBody, method != "HEAD" else { return [head] }
        if bodyByteCount <= Self.joinedBytes {
            for piece in body { head.append(contentsOf: piece) }
            return [head]
        }
        return [head] + body.filter { !$0.isEmpty }
    }

    private static let usualHeadBytes = 512
    private static let joinedBytes = 16 * 1024
    private static let connectionFields = ["content-length", "transfer-encoding", "connection", "date"]

    /// A value may carry what a client sent: control characters become spaces, so that no field can end early.
    private static func append(_ name: String, _ value: String, to head: inout [UInt8]) {
        head.append(contentsOf: name.utf8)
        head.append(Octet.colon)
        head.append(Octet.space)
        for byte in value.utf8 { head.append(byte.isFieldValueCharacter ? byte : Octet.space) }
        head.append(contentsOf: [Octet.carriageReturn, Octet.lineFeed])
    }

    /// `HTTP/1.1 100 Continue`: go on and send the body.
    public static let interimContinue = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
}
