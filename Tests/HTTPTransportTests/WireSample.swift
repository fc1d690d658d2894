import HTTPProtocol

/// Bytes that a client sends, and what has to come back.
struct WireSample: Sendable {
    enum Outcome: Sendable, Equatable {
        /// What `MirrorHandler` says: method, path and query, body.
        case echo(String)
        /// An answer without a body, to `HEAD`.
        case bodiless
        case fault(RequestError)
    }

    let name: String
    let bytes: String
    let outcomes: [Outcome]
    /// Whether the connection ends after the last of them.
    let closes: Bool

    /// A request that is answered; the connection stays.
    static func ok(_ name: String, _ bytes: String, _ echoes: String...) -> WireSample {
        WireSample(name: name, bytes: bytes, outcomes: echoes.map { .echo($0) }, closes: false)
    }

    /// A request that is answered; the connection ends.
    static func last(_ name: String, _ bytes: String, _ echoes: String...) -> WireSample {
        WireSample(name: name, bytes: bytes, outcomes: echoes.map { .echo($0) }, closes: true)
    }

    /// Bytes that are refused, after answers to what came before.
    static func bad(_ name: String, _ bytes: String, _ error: RequestError, after echoes: String...) -> WireSample {
        WireSample(name: name, bytes: bytes, outcomes: echoes.map { .echo($0) } + [.fault(error)], closes: true)
    }

    /// Lines with their CRLFs, and the empty line after them.
    static func lines(_ lines: String...) -> String { lines.map { $0 + "\r\n" }.joined() + "\r\n" }

    /// A GET with further fields.
    static func get(_ fields: String...) -> String {
        (["GET / HTTP/1.1", "Host: a"] + fields).map { $0 + "\r\n" }.joined() + "\r\n"
    }

    /// A POST with further fields, and what comes after the head.
    static func post(_ fields: String..., then body: String = "") -> String {
        (["POST / HTTP/1.1", "Host: a"] + fields).map { $0 + "\r\n" }.joined() + "\r\n" + body
    }

    static func chunked(_ chunks: String) -> String { post("Transfer-Encoding: chunked", then: chunks) }

    static func version10(_ line: String, _ fields: String...) -> String {
        (["\(line) HTTP/1.0"] + fields).map { $0 + "\r\n" }.joined() + "\r\n"
    }

    static let all = accepted + bodies + connections + refusedLines + refusedFields + refusedFraming + refusedChunks
}
