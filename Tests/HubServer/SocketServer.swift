import Foundation
import Glibc
import Synchronization

/// A server for tests on a socket of 127.0.0.1 that does what it is told, also what a good one would not: end a body
/// before its length is reached.
public final class SocketServer: Sendable {
    /// A request as it came, without a body.
    public struct Request: Sendable {
        /// The target with its query, and the fields by names in small letters.
        public var target = ""
        public var fields: [String: String] = [:]

        /// The first byte that `Range` asks for.
        public var firstByte: Int {
            fields["range"].flatMap { Int($0.dropFirst("bytes=".count).prefix { $0 != "-" }) } ?? 0
        }
    }

    /// An answer.
    public struct Response: Sendable {
        public var status = 200
        public var fields: [(String, String)] = []
        public var body: [UInt8] = []
        /// After how many bytes of the body the connection ends.
        public var cutAfter: Int?

        /// An answer with these parts.
        public init(status: Int = 200, fields: [(String, String)] = [], body: [UInt8] = [], cutAfter: Int? = nil) {
            self.status = status
            self.fields = fields
            self.body = body
            self.cutAfter = cutAfter
        }
    }

    private static let backlog: Int32 = 16
    private let listener: Int32
    /// Where it listens.
    public let port: UInt16

    /// Listens at a free port; `answer` is called by several threads.
    public init(answer: @escaping @Sendable (Request) -> Response) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                precondition(bind(listener, pointer, length) == 0, "no port")
                precondition(listen(listener, Self.backlog) == 0 && getsockname(listener, pointer, &length) == 0)
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        self.listener = listener
        Thread.detachNewThread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                Thread.detachNewThread { Self.serve(connection, answer) }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private static func serve(_ connection: Int32, _ answer: (Request) -> Response) {
        defer { close(connection) }
        while let request = read(connection) {
            let response = answer(request)
            var head = "HTTP/1.1 \(response.status) -\r\nContent-Length: \(response.body.count)\r\n"
            for (name, value) in response.fields { head += "\(name): \(value)\r\n" }
            let body = response.body.prefix(response.cutAfter ?? .max)
            guard write(Array((head + "\r\n").utf8) + body, to: connection), response.cutAfter == nil else { return }
        }
    }

    private static func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while !bytes.suffix(4).elementsEqual([13, 10, 13, 10]) {
            guard recv(connection, &byte, 1, 0) == 1 else { return nil }
            bytes.append(byte)
        }
        var lines = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
        var request = Request()
        request.target = lines.removeFirst().components(separatedBy: " ")[1]
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else { continue }
            request.fields[line[..<colon].lowercased()] = line[line.index(after: colon)...]
                .trimmingCharacters(in: .whitespaces)
        }
        return request
    }

    private static func write(_ bytes: [UInt8], to connection: Int32) -> Bool {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(connection, $0.baseAddress.map { $0 + written }, bytes.count - written, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }
}
