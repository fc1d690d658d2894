import Dispatch
import HTTPProtocol
import HTTPTransport
import Synchronization
import Testing

@Suite struct StreamingTests {
    private let handler = StreamingHandler()

    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    private func serve(_ change: (inout TransportConfiguration) -> Void = { _ in }) throws -> HTTPServer {
        try TestServer.serve(handler, change)
    }

    @Test func sendsPiecesAsTheyCome() throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        client.send(Self.get)
        let head = try client.readHead()
        #expect(head.status == 200 && head.fields["transfer-encoding"] == "chunked")
        #expect(head.fields["content-length"] == nil && head.fields["x-request-id"] != nil)
        #expect(try client.readChunk() == Array("first\n".utf8))
        let stream = try #require(handler.nextStream())
        for word in ["a", "bc"] {
            #expect(stream.write(Array(word.utf8)))
            #expect(try client.readChunk() == Array(word.utf8))
        }
        #expect(stream.isOpen && !stream.isCongested)
        stream.finish()
        #expect(try client.readChunk().isEmpty)
        #expect(!stream.isOpen && !stream.write([1]))
        // The connection goes on.
        #expect(try client.ask("GET /count HTTP/1.1\r\nHost: a\r\n\r\n").text.hasSuffix("\n999\n"))
        server.stop(graceSeconds: 1)
        #expect(handler.cancelled.value == 0)
    }

    @Test func pipelinedStreamsKeepTheirOrder() throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        let expected = "first\n" + (0..<1000).map { "\($0)\n" }.joined()
        client.send(String(repeating: "GET /count HTTP/1.1\r\nHost: a\r\n\r\n", count: 20))
        for _ in 0..<20 { #expect(try client.readAnswer().text == expected) }
        server.stop(graceSeconds: 1)
    }

    @Test func anOldClientReadsToTheClose() throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        client.send("GET /count HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        let head = try client.readHead()
        #expect(head.fields["transfer-encoding"] == nil && head.fields["content-length"] == nil)
        #expect(head.fields["connection"] == "close")
        #expect(String(decoding: try client.readToEnd(), as: UTF8.self).hasSuffix("\n999\n"))
        server.stop(graceSeconds: 1)
    }

    @Test(arguments: ["HEAD / HTTP/1.1", "GET /none HTTP/1.1"]) func someAnswersHaveNoBody(line: String) throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        client.send("\(line)\r\nHost: a\r\n\r\n")
        #expect([200, 204].contains(try client.readHead().status))
        let stream = try #require(handler.nextStream())
        #expect(eventually { !stream.isOpen })
        #expect(!stream.write([1]))
        #expect(try client.ask("GET /count HTTP/1.1\r\nHost: a\r\n\r\n").text.hasPrefix("first\n0\n"))
        server.stop(graceSeconds: 1)
    }

    /// A body that ends too soon must not look whole.
    @Test func aStreamThatIsLetGoCutsTheConnection() throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        client.send(Self.get)
        _ = try client.readHead()
        _ = try client.readChunk()
        #expect(handler.nextStream() != nil)
        #expect(throws: WireClient.Failure.self) { try client.readChunk() }
        server.stop(graceSeconds: 1)
    }

    @Test(arguments: [true, false]) func aClientThatGoesIsNoticed(closes: Bool) throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        client.send(Self.get)
        _ = try client.readHead()
        let stream = try #require(handler.nextStream())
        if closes { client.close() } else { client.endSending() }
        #expect(eventually { handler.cancelled.value == 1 && !stream.isOpen })
        #expect(!stream.write([1]))
        server.stop(graceSeconds: 1)
    }

    @Test func aSlowReaderIsNoticedAndWaitedFor() throws {
        let server = try serve { $0.streamBufferBytes = 64 << 20 }
        let client = try WireClient(port: server.port)
        client.limitReceiveBuffer(bytes: 65_536)
        client.send(Self.get)
        _ = try client.readHead()
        _ = try client.readChunk()
        let stream = try #require(handler.nextStream())
        let piece = [UInt8](repeating: 0x2E, count: 64 * 1024)
        var count = 0
        while !stream.isCongested, count < 900, stream.write(piece) { count += 1 }
        #expect(stream.isCongested)
        let written = count
        let writable = Counter()
        stream.whenWritable { writable.add() }
        #expect(writable.value == 0)
        var received = 0
        while received < written * piece.count { received += try client.readChunk().count }
        #expect(received == written * piece.count)
        #expect(eventually { writable.value == 1 })
        stream.finish()
        #expect(try client.readChunk().isEmpty)
        server.stop(graceSeconds: 1)
    }

    @Test func aReaderThatIsTooSlowIsGivenUp() throws {
        let server = try serve { $0.streamBufferBytes = 1 << 20 }
        let client = try WireClient(port: server.port)
        client.limitReceiveBuffer(bytes: 65_536)
        client.send(Self.get)
        let stream = try #require(handler.nextStream())
        let piece = [UInt8](repeating: 0x2E, count: 64 * 1024)
        var count = 0
        while count < 2000, stream.write(piece) { count += 1 }
        #expect(count < 2000 && !stream.isOpen)
        #expect(eventually { handler.cancelled.value == 1 })
        server.stop(graceSeconds: 1)
    }

    @Test func aStopEndsStreamsAfterTheGrace() throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        client.send(Self.get)
        _ = try client.readHead()
        let stream = try #require(handler.nextStream())
        server.stop(graceSeconds: 0.1)
        #expect(!stream.isOpen && handler.cancelled.value == 1)
    }

    /// Handlers may be tested without a connection.
    @Test(arguments: [true, false]) func aStreamCanBeCollected(finishes: Bool) {
        let delivered = DispatchSemaphore(value: 0)
        let response = Mutex<Response?>(nil)
        do {
            let responder = Responder { answer in
                response.withLock { $0 = answer }
                delivered.signal()
            }
            let stream = responder.stream(Response(status: 200, body: [[1]]))
            #expect(stream.write([2]) && stream.write([3]))
            if finishes { stream.finish() }
        }
        delivered.wait()
        #expect(response.withLock { $0?.body } == (finishes ? [[1], [2], [3]] : nil))
    }
}
