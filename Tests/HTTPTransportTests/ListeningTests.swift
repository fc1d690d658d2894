import Foundation
import Glibc
import HTTPTransport
import Testing

/// Unix sockets, TLS, limits of connections, and the end of a server.
@Suite struct ListeningTests {
    private let handler = EchoHandler()
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    private func serve(_ change: (inout TransportConfiguration) -> Void = { _ in }) throws -> HTTPServer {
        try TestServer.serve(handler, change)
    }

    /// A folder of its own, removed after `body`.
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mica-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }

    // MARK: Unix sockets

    @Test func listensAtAPath() throws {
        try withFolder { folder in
            let path = folder + "/mica.sock"
            let server = try serve { $0.unixSocketPath = path }
            #expect(server.url == "unix:\(path)" && server.port == 0)
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o660)
            #expect(try WireClient(path: path).ask(Self.get).text == "GET ")
            // A server that listens is not pushed aside.
            #expect(throws: TransportError.self) { try serve { $0.unixSocketPath = path } }
            server.stop(graceSeconds: 1)
            #expect(stat(path, &status) != 0)
        }
    }

    @Test func replacesALeftoverAndNothingElse() throws {
        try withFolder { folder in
            let path = folder + "/mica.sock"
            let leftover = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let bound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(leftover, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            #expect(bound == 0)
            _ = Glibc.close(leftover)
            let server = try serve { $0.unixSocketPath = path }
            #expect(try WireClient(path: path).ask(Self.get).status == 200)
            server.stop(graceSeconds: 1)
            let file = folder + "/file"
            #expect(FileManager.default.createFile(atPath: file, contents: nil))
            #expect(throws: TransportError.self) { try serve { $0.unixSocketPath = file } }
            #expect(FileManager.default.fileExists(atPath: file))
            #expect(throws: TransportError.self) {
                try serve { $0.unixSocketPath = folder + String(repeating: "/x", count: 60) }
            }
        }
    }

    // MARK: Limits

    @Test func severalServersMayShareAPort() throws {
        let first = try serve { $0.reusesPort = true }
        let second = try serve {
            $0.reusesPort = true
            $0.port = first.port
        }
        for _ in 0..<8 { #expect(try WireClient(port: first.port).ask(Self.get).status == 200) }
        first.stop(graceSeconds: 1)
        #expect(try WireClient(port: second.port).ask(Self.get).status == 200)
        second.stop(graceSeconds: 1)
    }

    @Test func limitsConnectionsPerAddress() throws {
        let server = try serve { $0.connectionLimitPerAddress = 2 }
        let kept = [try WireClient(port: server.port), try WireClient(port: server.port)]
        for client in kept { #expect(try client.ask(Self.get).status == 200) }
        #expect(eventually { server.connectionCount == 2 })
        let third = try WireClient(port: server.port)
        #expect(try third.readAnswer().status == 503)
        #expect(try third.readToEnd().isEmpty)
        third.close()
        kept[0].close()
        #expect(eventually { (try? WireClient(port: server.port).ask(Self.get).status) == 200 })
        server.stop(graceSeconds: 1)
    }

    @Test func aDrainingServerAnswersAndCloses() throws {
        let server = try serve()
        let idle = try WireClient(port: server.port)
        #expect(try idle.ask(Self.get).fields["connection"] == nil)
        server.beginDraining()
        #expect(eventually { (try? WireClient(port: server.port).ask(Self.get).fields["connection"]) == "close" })
        let last = try idle.ask(Self.get)
        #expect(last.status == 200 && last.fields["connection"] == "close")
        #expect(try idle.readToEnd().isEmpty)
        server.stop(graceSeconds: 1)
    }
}
