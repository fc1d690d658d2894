import HTTPProtocol
import HTTPTransport
import Synchronization
import Testing

/// Answers that are read while they are sent.
@Suite struct SourceTests {
    /// Bytes that follow from their places; counts those that were read.
    private final class Source: BodySource {
        enum Failure: Error {
            case lost
        }

        let byteCount: Int
        let heldByteCount: Int
        /// Reading fails from here on.
        private let end: Int
        private let read = Atomic<Int>(0)
        private let gone: Counter

        init(byteCount: Int, heldByteCount: Int = 0, end: Int = .max, gone: Counter) {
            self.byteCount = byteCount
            self.heldByteCount = heldByteCount
            self.end = end
            self.gone = gone
        }

        deinit { gone.add() }

        var readCount: Int { read.load(ordering: .relaxed) }

        /// Of a length that no piece has, so that pieces in another order are seen.
        private static let pattern = (0..<65_521).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }

        static func bytes(_ range: Range<Int>) -> [UInt8] {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(range.count)
            while bytes.count < range.count {
                let start = (range.lowerBound + bytes.count) % pattern.count
                bytes += pattern[start..<min(pattern.count, start + range.count - bytes.count)]
            }
            return bytes
        }

        func bytes(_ range: Range<Int>) throws -> [UInt8] {
            guard range.upperBound <= end else { throw Failure.lost }
            read.add(range.count, ordering: .relaxed)
            return Self.bytes(range)
        }
    }

    /// Answers everything with a word and the source; `/small` without it.
    private final class Handler: RequestHandler {
        private let source: Mutex<Source?>
        let expected: [UInt8]
        let gone: Counter

        init(byteCount: Int, heldByteCount: Int = 0, end: Int = .max) {
            gone = Counter()
            source = Mutex(Source(byteCount: byteCount, heldByteCount: heldByteCount, end: end, gone: gone))
            expected = Array("first ".utf8) + Source.bytes(0..<byteCount)
        }

        var readCount: Int { source.withLock { $0?.readCount ?? 0 } }

        func letGo() { source.withLock { $0 = nil } }

        func immediateResponse(to head: RequestHead) -> Response? {
            head.target.path == Array("/small".utf8) ? Response(status: 200, body: [Array("small".utf8)]) : nil
        }

        func respond(to request: Request, through responder: Responder) {
            var response = Response(status: 200, body: [Array("first ".utf8)])
            response.source = source.withLock { $0 }
            responder.send(response)
        }

        func response(to fault: TransportFault, head: RequestHead?) -> Response {
            Response(status: 503, body: [Array("\(fault)".utf8)])
        }
    }

    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 1_000_000]) func arrivesWithItsLength(byteCount: Int) throws {
        let handler = Handler(byteCount: byteCount)
        let server = try TestServer.serve(handler)
        let client = try WireClient(port: server.port)
        for _ in 0..<2 {
            let head = try client.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(head.fields["content-length"] == "\(handler.expected.count)")
            let answer = try client.ask(Self.get)
            #expect(answer.status == 200 && answer.fields["transfer-encoding"] == nil)
            #expect(answer.fields["content-length"] == "\(handler.expected.count)" && answer.body == handler.expected)
        }
        client.send(Self.get + "GET /small HTTP/1.1\r\nHost: a\r\n\r\n" + Self.get)
        #expect(try client.readAnswer().body == handler.expected)
        #expect(try client.readAnswer().text == "small")
        #expect(try client.readAnswer().body == handler.expected)
        // Clients of before have the length too.
        let old = try client.ask("GET / HTTP/1.0\r\n\r\n")
        #expect(old.fields["content-length"] == "\(handler.expected.count)" && old.body == handler.expected)
        #expect(try client.readToEnd().isEmpty)
        server.stop(graceSeconds: 1)
    }

    /// What was read and not sent yet would fill the memory if many clients did this.
    @Test func aSlowReaderHoldsLittle() throws {
        let handler = Handler(byteCount: 32 << 20)
        let server = try TestServer.serve(handler)
        let client = try WireClient(port: server.port)
        client.limitReceiveBuffer(bytes: 65_536)
        client.send(Self.get)
        let head = try client.readHead()
        #expect(head.fields["content-length"] == "\(handler.expected.count)")
        // Until the kernel takes no more.
        var (lastCount, timesSame) = (-1, 0)
        #expect(
            eventually {
                let count = handler.readCount
                timesSame = count == lastCount ? timesSame + 1 : 0
                lastCount = count
                return timesSame == 40
            })
        // Most of it is the kernel's.
        #expect(handler.readCount < 16 << 20)
        #expect(try client.read(count: handler.expected.count) == handler.expected)
        #expect(try client.ask("GET /small HTTP/1.1\r\nHost: a\r\n\r\n").text == "small")
        server.stop(graceSeconds: 1)
    }

    /// A body that ends too soon must not look whole.
    @Test func aSourceThatFailsCutsTheConnection() throws {
        let handler = Handler(byteCount: 1_000_000, end: 500_000)
        let server = try TestServer.serve(handler)
        let client = try WireClient(port: server.port)
        client.send(Self.get)
        #expect(throws: WireClient.Failure.self) { try client.readAnswer() }
        server.stop(graceSeconds: 1)
    }

    @Test func whoEndsItsHalfGetsAllOfIt() throws {
        let handler = Handler(byteCount: 8 << 20)
        let server = try TestServer.serve(handler)
        let client = try WireClient(port: server.port)
        client.send(Self.get)
        client.endSending()
        #expect(try client.readAnswer().body == handler.expected)
        server.stop(graceSeconds: 1)
    }

    @Test func aClientThatGoesLetsGoOfTheSource() throws {
        let handler = Handler(byteCount: 32 << 20)
        let server = try TestServer.serve(handler)
        let client = try WireClient(port: server.port)
        client.send(Self.get)
        _ = try client.readHead()
        handler.letGo()
        client.close()
        #expect(eventually { handler.gone.value == 1 })
        server.stop(graceSeconds: 1)
    }

    // MARK: Answers in memory

    /// One alone is always sent; more than the budget wait for their clients only as 503.
    @Test(arguments: [1000, 12_000_000]) func answersInMemoryAreBounded(budget: Int) throws {
        let server = try TestServer.serve(EchoHandler()) { $0.answerBudgetBytes = budget }
        let large = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
        let slow = try WireClient(port: server.port)
        slow.limitReceiveBuffer(bytes: 65_536)
        slow.send(large)
        #expect(try slow.readHead().status == 200)
        let other = try WireClient(port: server.port)
        let refused = try other.ask(large)
        #expect(refused.status == 503 && refused.text == "answerBudgetUsedUp")
        // What is small is always sent.
        #expect(try other.ask(Self.get).text == "GET ")
        #expect(try slow.read(count: 8_000_000).count == 8_000_000)
        #expect(eventually { (try? other.ask(large).status) == 200 })
        // One that goes gives back its part.
        slow.send(large)
        #expect(try slow.readHead().status == 200)
        slow.close()
        #expect(eventually { (try? other.ask(large).status) == 200 })
        server.stop(graceSeconds: 1)
    }

    /// A source that is in memory counts like an answer that is.
    @Test func sourcesInMemoryAreBounded() throws {
        let server = try TestServer.serve(Handler(byteCount: 8 << 20, heldByteCount: 8 << 20)) {
            $0.answerBudgetBytes = 12 << 20
        }
        let slow = try WireClient(port: server.port)
        slow.limitReceiveBuffer(bytes: 65_536)
        slow.send(Self.get)
        #expect(try slow.readHead().status == 200)
        let other = try WireClient(port: server.port)
        #expect(try other.ask(Self.get).text == "answerBudgetUsedUp")
        slow.close()
        #expect(eventually { (try? other.ask(Self.get).status) == 200 })
        server.stop(graceSeconds: 1)
    }

    /// A handler that asks first may send something else than a fault, and room that is not used is given back.
    @Test func whoAsksForRoomMayAnswerOtherwise() throws {
        let server = try TestServer.serve(AskingHandler()) { $0.answerBudgetBytes = 1000 }
        let slow = try WireClient(port: server.port)
        slow.limitReceiveBuffer(bytes: 65_536)
        slow.send(Self.get)
        #expect(try slow.readHead().status == 200)
        let other = try WireClient(port: server.port)
        #expect(try other.ask(Self.get).text == "full")
        #expect(try other.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        slow.close()
        #expect(eventually { (try? other.ask("GET /asked HTTP/1.1\r\nHost: a\r\n\r\n").text) == "room" })
        #expect(eventually { (try? other.ask(Self.get).body.count) == 8_000_000 })
        server.stop(graceSeconds: 1)
    }

    /// Answers with much, or says that there is no room; at `/asked` only that there is.
    private struct AskingHandler: RequestHandler {
        func immediateResponse(to head: RequestHead) -> Response? { nil }

        func respond(to request: Request, through responder: Responder) {
            let response = Response(status: 200, body: [[UInt8](repeating: 7, count: 8_000_000)])
            guard let room = responder.room(for: response) else {
                return responder.send(Response(status: 503, body: [Array("full".utf8)]))
            }
            guard request.head.target.path == Array("/asked".utf8) else { return responder.send(response, in: room) }
            responder.send(Response(status: 200, body: [Array("room".utf8)]))
        }

        func response(to fault: TransportFault, head: RequestHead?) -> Response { Response(status: 500) }
    }

    /// Handlers may be tested without a connection.
    @Test(arguments: [true, false]) func aSourceCanBeCollected(fails: Bool) {
        let body = Mutex<[[UInt8]]?>(nil)
        let responder = Responder { answer in body.withLock { $0 = answer?.body } }
        var response = Response(status: 200, body: [[1]])
        response.source = Source(byteCount: 3, end: fails ? 2 : .max, gone: Counter())
        responder.send(response)
        #expect(body.withLock { $0 } == (fails ? nil : [[1], Source.bytes(0..<3)]))
    }
}
