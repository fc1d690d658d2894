import CTLSClient
import Glibc
import HTTPTransport

/// A client that writes what it is told to, byte for byte, over TCP, a Unix socket or TLS.
final class WireClient {
    struct Answer {
        var status = 0
        var fields: [String: String] = [:]
        var body: [UInt8] = []

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    enum Failure: Error {
        case noConnection
        case noHandshake
        case closed
        case noAnswer
    }

    private var descriptor: Int32
    private var tls: OpaquePointer?
    private var received: [UInt8] = []

    /// Over TCP to 127.0.0.1.
    convenience init(port: Int) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        try self.init(address, family: AF_INET)
    }

    convenience init(path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        try self.init(address, family: AF_UNIX)
    }

    private init<Address>(_ address: Address, family: Int32) throws {
        descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        // What only a failure takes.
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let status = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
        guard status == 0 else {
            _ = Glibc.close(descriptor)
            descriptor = -1
            throw Failure.noConnection
        }
    }

    deinit { close() }

    func close() {
        if let tls { test_tls_free(tls) }
        tls = nil
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Shakes hands; `version` is 10...13 for TLS 1.0...1.3, 0 for any; `protocols` are those of ALPN.
    func startTLS(version: Int32 = 0, protocols: [String] = []) throws {
        var offered = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }.map {
            CChar(truncatingIfNeeded: $0)
        }
        offered.append(0)
        tls = test_tls_connect(descriptor, version, protocols.isEmpty ? nil : offered)
        if tls == nil { throw Failure.noHandshake }
    }

    var tlsVersion: Int32 { tls.map { test_tls_version($0) } ?? 0 }
    var applicationProtocol: String { text { test_tls_protocol($0, $1, $2) } }
    var certificateName: String { text { test_tls_peer_name($0, $1, $2) } }

    private func text(_ read: (OpaquePointer, UnsafeMutablePointer<CChar>, Int) -> Void) -> String {
        guard let tls else { return "" }
        return String(
            unsafeUninitializedCapacity: 64,
            initializingUTF8With: { buffer in
                buffer.withMemoryRebound(to: CChar.self) { characters in
                    guard let base = characters.baseAddress else { return 0 }
                    read(tls, base, 64)
                    return strlen(base)
                }
            })
    }

    /// Ends the sending half alone.
    func endSending() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Each `send` becomes a segment of its own.
    func sendAtOnce() {
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    func limitReceiveBuffer(bytes: Int32) {
        var size = bytes
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }

    /// True if something, or the end, can be read now.
    var hasInput: Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return !received.isEmpty || Glibc.poll(&poll, 1, 0) > 0
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// False if the peer does not take it all.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes { rest in
                guard let base = rest.baseAddress else { return 0 }
                if let tls { return test_tls_write(tls, base, rest.count) }
                return Glibc.send(descriptor, base, rest.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            offset += count
        }
        return true
    }

    /// More bytes; false at the end.
    private func receiveMore() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = tls.map { test_tls_read($0, &buffer, buffer.count) } ?? recv(descriptor, &buffer, buffer.count, 0)
        if count < 0 { throw Failure.noAnswer }
        received += buffer[..<count]
        return count > 0
    }

    /// Everything up to the peer's close.
    func readToEnd() throws -> [UInt8] {
        while try receiveMore() {}
        defer { received = [] }
        return received
    }

    /// Everything up to and with `text`.
    func read(upTo text: String) throws -> String {
        while true {
            if let found = received.firstRange(of: Array(text.utf8)) {
                defer { received.removeSubrange(..<found.upperBound) }
                return String(decoding: received[..<found.upperBound], as: UTF8.self)
            }
            if try !receiveMore() { throw Failure.closed }
        }
    }

    /// So many bytes of a body.
    func read(count: Int) throws -> [UInt8] {
        while received.count < count {
            if try !receiveMore() { throw Failure.closed }
        }
        defer { received.removeSubrange(..<count) }
        return Array(received[..<count])
    }

    /// Status and fields of an answer, whose body is not read yet.
    func readHead() throws -> Answer {
        var lines = try read(upTo: "\r\n\r\n").split(separator: "\r\n")
        var answer = Answer()
        answer.status = Int(lines.removeFirst().split(separator: " ")[1]) ?? 0
        for line in lines {
            let parts = line.split(separator: ":", maxSplits: 1)
            answer.fields[parts[0].lowercased()] = parts[1].trimmingPrefix(" ").description
        }
        return answer
    }

    /// The data of the next chunk; empty at the last.
    func readChunk() throws -> [UInt8] {
        let size = try read(upTo: "\r\n").dropLast(1)
        guard let count = Int(size.trimmingPrefix("+"), radix: 16) else { throw Failure.noAnswer }
        let data = try read(count: count)
        guard try read(upTo: "\r\n") == "\r\n" else { throw Failure.noAnswer }
        return data
    }

    /// One answer; to a HEAD request it has no body.
    func readAnswer(toHead: Bool = false) throws -> Answer {
        var answer = try readHead()
        if toHead { return answer }
        if answer.fields["transfer-encoding"] == "chunked" {
            while case let chunk = try readChunk(), !chunk.isEmpty { answer.body += chunk }
        } else {
            answer.body = try read(count: Int(answer.fields["content-length"] ?? "0") ?? 0)
        }
        return answer
    }

    /// Sends and reads one answer.
    func ask(_ text: String) throws -> Answer {
        send(text)
        return try readAnswer(toHead: text.hasPrefix("HEAD"))
    }
}
