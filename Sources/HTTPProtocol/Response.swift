/// An answer: status, fields and a body in pieces, so that large parts need not be joined, or even be read yet.
///
/// `Content-Length`, `Transfer-Encoding`, `Connection` and
/// `Date` belong to the connection and are written by `appendHead`.
public struct Response: Sendable {
    /// The status code, the fields in order, and the pieces of the body.
    public var status: Int
    public var fields: [(name: String, value: String)]
    public var body: [[UInt8]]
    /// What follows `body` and is read while it is sent; nil for nothing.
    public var source: (any BodySource)?

    /// A response of these parts.
    public init(status: Int, fields: [(name: String, value: String)] = [], body: [[UInt8]] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// Bytes of the body.
    public var bodyByteCount: Int { bytesOfPieces + (source?.byteCount ?? 0) }

    /// Bytes of the body that are in memory until they are sent.
    public var heldByteCount: Int { bytesOfPieces + (source?.heldByteCount ?? 0) }

    private var bytesOfPieces: Int {
        var count = 0
        for piece in body { count += piece.count }
        return count
    }

    /// False for the statuses that never have one (RFC 9110 sections 15.2, 15.3.5 and 15.4.5).
    public var mayHaveBody: Bool { status >= 200 && status != 204 && status != 304 }

    /// Writes the status line and the fields, without the empty line that ends them: further fields may follow.
    ///
    /// `version` is the request's: an HTTP/1.0 client must be told of a connection that stays open. `date` is
    /// `HTTPDate.text`.
    public func appendHead(
        to output: inout [UInt8], version: HTTPVersion, framing: ResponseFraming, keepsAlive: Bool, date: String
    ) {
        output.append(contentsOf: "HTTP/1.1 ".utf8)
        output.appendDecimal(status)
        output.append(Octet.space)
        output.append(contentsOf: StatusCode.reason(status).utf8)
        output.append(contentsOf: "\r\n".utf8)
        for (name, value) in fields where !Self.belongsToConnection(name) {
            output.appendField(name: name, value: value)
        }
        output.append(contentsOf: "Date: ".utf8)
        output.append(contentsOf: date.utf8)
        if !keepsAlive {
            output.append(contentsOf: "\r\nConnection: close".utf8)
        } else if version == .http10 {
            output.append(contentsOf: "\r\nConnection: keep-alive".utf8)
        }
        if mayHaveBody {
            switch framing {
            case .length:
                output.append(contentsOf: "\r\nContent-Length: ".utf8)
                output.appendDecimal(bodyByteCount)
            case .chunked: output.append(contentsOf: "\r\nTransfer-Encoding: chunked".utf8)
            case .untilClose: break
            }
        }
        output.append(contentsOf: "\r\n".utf8)
    }

    private static func belongsToConnection(_ name: String) -> Bool {
        let expected: String
        switch name.utf8.count {
        case 4: expected = "date"
        case 10: expected = "connection"
        case 14: expected = "content-length"
        case 17: expected = "transfer-encoding"
        default: return false
        }
        return name.utf8.elementsEqual(expected.utf8) { $0.asciiLowercased == $1 }
    }

    /// `HTTP/1.1 100 Continue`: go on and send the body.
    public static let interimContinue = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
}

/// How the end of an answer's body is found (RFC 9112 section 6.3).
public enum ResponseFraming: Sendable {
    /// `Content-Length`.
    case length
    /// Chunks, the last of size 0: the length is not known yet.
    case chunked
    /// The end of the connection, for HTTP/1.0.
    case untilClose
}

/// The chunked transfer coding of a body that is sent (RFC 9112 section 7.1).
public enum ChunkedCoding {
    /// What comes before `count` bytes of data, at least 1; `\r\n` comes after them.
    public static func prefix(byteCount count: Int) -> [UInt8] {
        Array(String(count, radix: 16).utf8) + [Octet.carriageReturn, Octet.lineFeed]
    }

    /// What ends a chunk's data.
    public static let suffix: [UInt8] = [Octet.carriageReturn, Octet.lineFeed]

    /// The last chunk, and no trailers.
    public static let end = Array("0\r\n\r\n".utf8)
}

extension [UInt8] {
    /// A value may carry what a client sent: control characters become spaces, so that no field can end early.
    public mutating func appendField(name: String, value: String) {
        append(contentsOf: name.utf8)
        append(contentsOf: ": ".utf8)
        let start = count
        append(contentsOf: value.utf8)
        for index in start..<count where !self[index].isFieldValueCharacter { self[index] = Octet.space }
        append(contentsOf: "\r\n".utf8)
    }

    /// A number that is not negative, in decimal digits.
    public mutating func appendDecimal(_ value: Int) {
        if value >= 10 { appendDecimal(value / 10) }
        append(Octet.zero + UInt8(truncatingIfNeeded: value % 10))
    }
}
