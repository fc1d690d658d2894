import Glibc
import HTTPProtocol

/// A client that writes what it is told to, byte for byte.
final class TestClient {
    struct Answer {
        var status = 0
        var fields: [String: String] = [:]
        var body: [UInt8] = []

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    enum Failure: Error {
        case noConnection
        case closed
        case noAnswer
    }

    private var descriptor: Int32
    private var received: [UInt8] = []

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // What only a failure takes.
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
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
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Ends the sending half alone.
    func endSending() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    func limitReceiveBuffer(bytes: Int32) {
        var size = bytes
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }

    /// True if something, or the end, can be read now.
    var hasInput: Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&poll, 1, 0) > 0
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// False if the peer does not take it all.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            offset += count
        }
        return true
    }

    /// More bytes; false at the end.
    private func receiveMore() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0 { throw Failure.noAnswer }
        received += buffer[..<count]
        return count > 0
    }

    /// Waits until `text` has come; what has come stays to be read.
    func wait(for text: String) throws {
        while received.firstRange(of: Array(text.utf8)) == nil {
            if try !receiveMore() { throw Failure.closed }
        }
    }

    /// Everything up to the peer's close.
    func readToEnd() throws -> [UInt8] {
        while try receiveMore() {}
        defer { received = [] }
        return received
    }

    /// One answer; to a HEAD request it has no body.
    func readAnswer(toHead: Bool = false) throws -> Answer {
        var head: Range<Int>?
        while head == nil {
            head = received.firstRange(of: Array("\r\n\r\n".utf8))
            if head == nil, try !receiveMore() { throw Failure.closed }
        }
        guard let head else { throw Failure.closed }
        var lines = String(decoding: received[..<head.lowerBound], as: UTF8.self).split(separator: "\r\n")
        var answer = Answer()
        answer.status = Int(lines.removeFirst().split(separator: " ")[1]) ?? 0
        for line in lines {
            let parts = line.split(separator: ":", maxSplits: 1)
            answer.fields[parts[0].lowercased()] = parts[1].trimmingPrefix(" ").description
        }
        received.removeSubrange(..<head.upperBound)
        let length = toHead ? 0 : Int(answer.fields["content-length"] ?? "0") ?? 0
        while received.count < length {
            if try !receiveMore() { throw Failure.closed }
        }
        answer.body = Array(received[..<length])
        received.removeSubrange(..<length)
        return answer
    }

    /// Sends and reads one answer.
    func ask(_ text: String) throws -> Answer {
        send(text)
        return try readAnswer(toHead: text.hasPrefix("HEAD"))
    }
}
