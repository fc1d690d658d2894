import CCurl

/// GET requests, one after another, over kept connections. Belongs to one thread at a time.
final class Fetcher {
    /// A response's status and header fields.
    struct Head {
        var status = 0
        private var fields: [(name: String, value: String)] = []

        /// Fields of one head; what comes after them is not kept.
        private static let mostFields = 256

        /// The first field of that name, in small letters.
        subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

        /// Takes a line: a status line begins a new head, so that of redirects the last one stays.
        mutating func add(_ line: String) {
            let text = line.drop { $0.isWhitespace }
            if text.hasPrefix("HTTP/") {
                self = Head()
                status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            } else if let colon = text.firstIndex(of: ":"), fields.count < Self.mostFields {
                let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
                let last = value.lastIndex { !$0.isWhitespace }
                fields.append((text[..<colon].lowercased(), last.map { String(value[...$0]) } ?? ""))
            }
        }
    }

    /// What a request wants, and who takes what comes.
    struct Request {
        var url: String
        var address: HubAddress
        var firstByte = 0
        /// Takes a part of the body; a throw ends the transfer.
        var body: (Head, UnsafeRawBufferPointer) throws(HubError) -> Void
        var isCancelled: () -> Bool
    }

    private static let connectSeconds = 30
    /// After how long without a byte a transfer is given up, and begun again by whoever wants it.
    private static let stallSeconds = 30
    private static let mostRedirects = 8
    private static let reasonBytes = 512
    private static let userAgent = "mica (+libcurl)"

    private let session: OpaquePointer

    /// Opens libcurl. Throws `noLibrary` if it is not there.
    init() throws(HubError) {
        var reason = [CChar](repeating: 0, count: Self.reasonBytes)
        guard mica_curl_open(&reason, reason.count) != nil else { throw .noLibrary(reason: Self.text(reason)) }
        guard let made = mica_curl_session_make() else { throw .noLibrary(reason: "libcurl has no memory") }
        session = made
    }

    deinit {
        mica_curl_session_free(session)
    }

    /// What libcurl's functions get to see while a request runs.
    private final class Transfer {
        let request: Request
        var head = Head()
        var failure: HubError?

        init(_ request: Request) {
            self.request = request
        }

        static func of(_ context: UnsafeMutableRawPointer?) -> Transfer? {
            context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
        }
    }

    /// Does a request, following redirects. Returns the last response's head, whatever its status, when its body has
    /// come whole. Throws `noConnection` where the network or the server failed, which may pass
    /// (`Patience.isTransient`), what `body` threw, and `cancelled`.
    func get(_ request: Request) throws(HubError) -> Head {
        let transfer = Transfer(request)
        var status = 0
        var reason = [CChar](repeating: 0, count: Self.reasonBytes)
        let result = withCStrings(request) { url, bearer, agent, authorities in
            var parameters = mica_curl_request(
                url: url, bearer: bearer, user_agent: agent, authorities: authorities,
                first_byte: Int64(request.firstByte), allows_plain_http: request.address.allowsPlainHTTP ? 1 : 0,
                connect_seconds: Self.connectSeconds, stall_seconds: Self.stallSeconds, redirects: Self.mostRedirects,
                context: Unmanaged.passUnretained(transfer).toOpaque(), head: Self.takeHead, body: Self.takeBody,
                stop: { Transfer.of($0)?.request.isCancelled() == true ? 1 : 0 })
            return mica_curl_get(session, &parameters, &status, &reason, reason.count)
        }
        if let failure = transfer.failure { throw failure }
        if request.isCancelled() { throw .cancelled }
        switch result {
        case MICA_CURL_DONE: return transfer.head
        case MICA_CURL_INTERRUPTED: throw .noConnection(address: Self.host(request.url), reason: Self.text(reason))
        default: throw .refused(address: Self.host(request.url), status: status, reason: Self.text(reason))
        }
    }

    private static let takeHead: @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>, Int) -> Void = {
        context, line, count in
        Transfer.of(context)?.head.add(
            String(decoding: UnsafeRawBufferPointer(start: line, count: count), as: UTF8.self))
    }

    private static let takeBody: @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>, Int) -> Int32 = {
        context, bytes, count in
        guard let transfer = Transfer.of(context) else { return 0 }
        do throws(HubError) {
            try transfer.request.body(transfer.head, UnsafeRawBufferPointer(start: bytes, count: count))
            return 1
        } catch {
            transfer.failure = error
            return 0
        }
    }

    private func withCStrings<Result>(
        _ request: Request,
        _ body: (UnsafePointer<CChar>, UnsafePointer<CChar>?, UnsafePointer<CChar>, UnsafePointer<CChar>?) -> Result
    ) -> Result {
        request.url.withCString { url in
            Self.userAgent.withCString { agent in
                Self.withOptional(request.address.token) { bearer in
                    Self.withOptional(request.address.authorities) { body(url, bearer, agent, $0) }
                }
            }
        }
    }

    private static func withOptional<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
        text.map { $0.withCString { body($0) } } ?? body(nil)
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    }

    /// The scheme and host of an address, for messages: what follows may be signed for us alone.
    static func host(_ url: String) -> String {
        url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).prefix(3).joined(separator: "/")
    }
}
