import Dispatch
import HTTPProtocol
import HTTPTransport
import Testing

/// Servers that stop while clients are there.
@Suite struct StoppingTests {
    private let handler = EchoHandler()

    private func serve(_ change: (inout TransportConfiguration) -> Void = { _ in }) throws -> HTTPServer {
        try TestServer.serve(handler, change)
    }

    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    /// Long, since a stop that uses it up has failed.
    private static let grace = 120.0

    /// Stops `server`, and lets `work` go on once it has begun to; false if the stop took half of the grace.
    private func stop(_ server: HTTPServer, _ work: () throws -> Void) throws -> Bool {
        let idle = try WireClient(port: server.port)
        #expect(try idle.ask("GET /count HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        let stopped = DispatchSemaphore(value: 0)
        DispatchQueue(label: "test.stop").async {
            server.stop(graceSeconds: Self.grace)
            stopped.signal()
        }
        #expect(try idle.readToEnd().isEmpty)
        try work()
        return stopped.wait(timeout: .now() + Self.grace / 2) == .success
    }

    @Test func aStopLetsRunningAnswersFinish() throws {
        let server = try serve()
        let idle = try WireClient(port: server.port)
        #expect(try idle.ask(Self.get).status == 200)
        let client = try WireClient(port: server.port)
        client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(eventually { handler.started.value == 2 })
        let stopped = Counter()
        let group = DispatchGroup()
        DispatchQueue(label: "test.stop").async(group: group) {
            server.stop(graceSeconds: Self.grace)
            stopped.add()
        }
        #expect(try idle.readToEnd().isEmpty)
        #expect(throws: WireClient.Failure.self) { try WireClient(port: server.port) }
        #expect(stopped.value == 0)
        handler.gate.signal()
        let answer = try client.readAnswer()
        #expect(answer.text == "held" && answer.fields["connection"] == "close")
        client.close()
        group.wait()
        #expect(handler.cancelled.value == 0)
    }

    @Test func aStopCutsOffWhatTakesTooLong() throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(eventually { handler.started.value == 1 })
        server.stop(graceSeconds: 0.1)
        #expect(handler.cancelled.value == 1)
        #expect(try client.readToEnd().isEmpty)
        handler.gate.signal()
    }

    /// A stream that began before the stop said that its connection goes on; it does not, and nobody waits for it.
    @Test func aStreamThatEndsMeanwhileEndsItsConnection() throws {
        let streaming = StreamingHandler()
        let server = try TestServer.serve(streaming)
        let client = try WireClient(port: server.port)
        client.send(Self.get)
        let stream = try #require(streaming.nextStream())
        var text = ""
        let isQuick = try stop(server) {
            stream.finish()
            text = try client.readAnswer().text
        }
        #expect(text == "first\n" && isQuick)
    }

    /// An answer that was made before the stop goes out whole, and then its connection ends.
    @Test func anAnswerOnItsWayEndsItsConnection() throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        client.limitReceiveBuffer(bytes: 65_536)
        client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.readHead().fields["connection"] == nil)
        var count = 0
        let isQuick = try stop(server) { count = try client.readToEnd().count }
        #expect(count == 8_000_000 && isQuick)
    }
}
