import Dispatch
import Foundation
import HTTPProtocol
import HTTPTransport
import Testing

/// Clients that end their sending half, which is also what a client looks like that has gone.
@Suite struct HalfCloseTests {
    private let handler = EchoHandler()

    private static func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n" }

    private func client(_ server: HTTPServer, _ text: String) throws -> WireClient {
        let client = try WireClient(port: server.port)
        client.send(text)
        client.endSending()
        // Whoever is answered after this shows that the loop has seen that end.
        #expect(try WireClient(port: server.port).ask(Self.get("/now")).status == 200)
        return client
    }

    @Test(arguments: [
        (["/now"], ["now 0"]), (["/quiet"], ["quiet"]), (["/quiet", "/now", "/quiet"], ["quiet", "now 0", "quiet"]),
        (["/refused"], ["no"]),
    ])
    func whatWasAskedForIsAnswered(paths: [String], expected: [String]) throws {
        let server = try TestServer.serve(handler)
        for _ in 0..<10 {
            let client = try client(server, paths.map(Self.get).joined())
            for path in paths where path == "/quiet" { handler.gate.signal() }
            for text in expected { #expect(try client.readAnswer().text == text) }
            #expect(try client.readToEnd().isEmpty)
        }
        server.stop(graceSeconds: 1)
    }

    /// More than fits the answers that wait at once: what was received and not looked at yet counts too.
    @Test func manyRequestsAreAllAnswered() throws {
        let server = try TestServer.serve(handler)
        let client = try WireClient(port: server.port)
        let count = 2000
        client.send(String(repeating: Self.get("/now"), count: count))
        client.endSending()
        for _ in 0..<count { #expect(try client.readAnswer().text == "now 0") }
        #expect(try client.readToEnd().isEmpty)
        server.stop(graceSeconds: 1)
    }

    /// A body that nobody wants is larger than one read of it, and behind it the client's end is seen: closing with
    /// what is unread would reset the connection.
    @Test func anEarlyRefusalArrivesBeforeTheClose() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mica-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // Unlike TCP's, its end is seen before the bytes that came first are read.
        let path = folder.path + "/mica.sock"
        let server = try TestServer.serve(handler) { $0.unixSocketPath = path }
        let stalling = try WireClient(path: path)
        stalling.send(Self.get("/stall"))
        #expect(eventually { handler.started.value == 1 })
        let client = try WireClient(path: path)
        let body = String(repeating: "x", count: 150_000)
        client.send("POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body)
        client.endSending()
        handler.gate.signal()
        #expect(try client.readAnswer().status == 403)
        #expect(try client.readToEnd().isEmpty)
        server.stop(graceSeconds: 1)
    }

    @Test func halfARequestIsNotAnswered() throws {
        let server = try TestServer.serve(handler)
        #expect(try client(server, "GET /now HTTP/1.1\r\nHost").readToEnd().isEmpty)
        server.stop(graceSeconds: 1)
    }

    @Test(arguments: [true, false]) func aClientThatGoesIsNoticed(closes: Bool) throws {
        let server = try TestServer.serve(handler)
        let client = try WireClient(port: server.port)
        client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(eventually { handler.started.value == 1 })
        if closes { client.close() } else { client.endSending() }
        #expect(eventually { handler.cancelled.value == 1 })
        handler.gate.signal()
        // The late answer finds nobody, and harms nobody.
        #expect(try WireClient(port: server.port).ask(Self.get("/now")).status == 200)
        server.stop(graceSeconds: 1)
    }

    /// The handler says only after the client's end that it wants to know of it.
    @Test func aHandlerThatAsksLateIsTold() throws {
        let server = try TestServer.serve(handler)
        let client = try client(server, Self.get("/late"))
        #expect(eventually { handler.started.value == 1 })
        handler.gate.signal()
        #expect(eventually { handler.cancelled.value == 1 })
        #expect(try client.readToEnd().isEmpty)
        server.stop(graceSeconds: 1)
    }
}
