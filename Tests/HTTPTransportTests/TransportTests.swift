import Dispatch
import HTTPProtocol
import HTTPTransport
import Testing

@Suite struct TransportTests {
    private let handler = EchoHandler()

    private func serve(_ change: (inout TransportConfiguration) -> Void = { _ in }) throws -> HTTPServer {
        try TestServer.serve(handler, change)
    }

    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    private func post(_ body: String, path: String = "/", more: String = "") -> String {
        "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\(more)\r\n\(body)"
    }

    // MARK: Order and reuse

    @Test func keepsTheConnection() throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        for index in 0..<5 {
            let answer = try client.ask(post("\(index)"))
            #expect(answer.status == 200 && answer.text == "POST \(index)")
            #expect(answer.fields["connection"] == nil && answer.fields["date"]?.hasSuffix(" GMT") == true)
            #expect(answer.fields["x-request-id"]?.isEmpty == false)
        }
        server.stop(graceSeconds: 1)
    }

    @Test func answersPipelinedRequestsInOrder() throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        let count = 500
        // Some are answered on the loop, some on a queue: the order stays.
        client.send((0..<count).map { $0 % 3 == 0 ? "GET /now HTTP/1.1\r\nHost: a\r\n\r\n" : post("\($0)") }.joined())
        for index in 0..<count {
            #expect(try client.readAnswer().text == (index % 3 == 0 ? "now 0" : "POST \(index)"))
        }
        server.stop(graceSeconds: 1)
    }

    @Test func readsRequestsByteByByte() throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        for byte in Array(post("slow").utf8) { client.send([byte]) }
        #expect(try client.readAnswer().text == "POST slow")
        server.stop(graceSeconds: 1)
    }

    @Test(arguments: [
        ("GET / HTTP/1.0\r\n\r\n", "close", true),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive", false),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "close", true),
    ])
    func saysWhetherItCloses(request: String, connection: String, closes: Bool) throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        #expect(try client.ask(request).fields["connection"] == connection)
        if closes {
            #expect(try client.readToEnd().isEmpty)
        } else {
            #expect(try client.ask(Self.get).status == 200)
        }
        server.stop(graceSeconds: 1)
    }

    @Test func headHasNoBody() throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        let answer = try client.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(answer.fields["content-length"] == "5")
        #expect(try client.ask(Self.get).text == "GET ")
        server.stop(graceSeconds: 1)
    }

    @Test(arguments: [
        ("abc-1.2_Z", true), ("a b", false), (String(repeating: "x", count: 65), false), ("a\u{7F}", false),
    ])
    func repeatsSafeRequestIDs(id: String, isKept: Bool) throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        let answer = try client.ask("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: \(id)\r\n\r\n")
        #expect((answer.fields["x-request-id"] == id) == isKept)
        server.stop(graceSeconds: 1)
    }

    // MARK: Bodies

    @Test func tellsTheClientToContinue() throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        #expect(try client.readAnswer().status == 100)
        #expect(try client.ask("hi").text == "POST hi")
        // A refusal comes instead of the invitation.
        let refused = try client.ask(
            "POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        #expect(refused.status == 403 && refused.fields["connection"] == "close")
        server.stop(graceSeconds: 1)
    }

    /// The client writes megabytes that nobody wants; it must still be able to read the answer.
    @Test func anEarlyRefusalArrives() throws {
        let server = try serve { $0.limits.bodyBytes = 1000 }
        let client = try WireClient(port: server.port)
        let body = String(repeating: "x", count: 3_000_000)
        client.send(post(body))
        let answer = try client.readAnswer()
        #expect(answer.status == 413 && answer.fields["connection"] == "close")
        #expect(answer.fields["x-path"] == "/")
        #expect(try client.readToEnd().isEmpty)
        server.stop(graceSeconds: 1)
    }

    @Test func bodiesTogetherAreBounded() throws {
        let server = try serve { $0.bodyBudgetBytes = 1000 }
        let first = try WireClient(port: server.port)
        first.send(post(String(repeating: "x", count: 900), path: "/hold"))
        #expect(eventually { handler.started.value == 1 })
        let second = try WireClient(port: server.port)
        #expect(try second.ask(post(String(repeating: "x", count: 200))).status == 503)
        handler.gate.signal()
        #expect(try first.readAnswer().text == "held")
        #expect(try first.ask(post(String(repeating: "x", count: 900))).status == 200)
        server.stop(graceSeconds: 1)
    }

    @Test func aLargeAnswerReachesASlowReader() throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n" + Self.get)
        // More than the kernel's buffers hold waits in the server meanwhile.
        _ = DispatchSemaphore(value: 0).wait(timeout: .now() + 0.1)
        let answer = try client.readAnswer()
        #expect(answer.body.count == 8_000_000 && answer.body.allSatisfy { $0 == 7 })
        #expect(try client.readAnswer().text == "GET ")
        server.stop(graceSeconds: 1)
    }

    // MARK: Faults

    @Test func refusesNonsenseAndCloses() throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        let answer = try client.ask("GET / HTTP/1.1\nHost: a\n\n")
        #expect(answer.status == 400 && answer.fields["connection"] == "close")
        #expect(try client.readToEnd().isEmpty)
        // What came before the nonsense is answered first.
        let other = try WireClient(port: server.port)
        other.send(Self.get + "nonsense\r\n")
        #expect(try other.readAnswer().status == 200)
        #expect(try other.readAnswer().status == 400)
        server.stop(graceSeconds: 1)
    }

    @Test func anUnansweredRequestDoesNotHang() throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        let answer = try client.ask("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(answer.status == 500 && answer.fields["x-path"] == "/nothing")
        #expect(try client.ask(Self.get).status == 200)
        server.stop(graceSeconds: 1)
    }

    @Test func refusesTooManyConnections() throws {
        let server = try serve { $0.connectionLimit = 2 }
        let kept = [try WireClient(port: server.port), try WireClient(port: server.port)]
        for client in kept { #expect(try client.ask(Self.get).status == 200) }
        let third = try WireClient(port: server.port)
        #expect(try third.readAnswer().status == 503)
        #expect(try third.readToEnd().isEmpty)
        third.close()
        for client in kept { #expect(try client.ask(Self.get).status == 200) }
        kept[0].close()
        #expect(eventually { (try? WireClient(port: server.port).ask(Self.get).status) == 200 })
        server.stop(graceSeconds: 1)
    }

    /// The length alone is refused, and the request is answered as what it would have been.
    @Test func aRefusedLengthIsAnsweredAsItsRequest() throws {
        let server = try serve { $0.limits.bodyBytes = 1000 }
        let client = try WireClient(port: server.port)
        let answer = try client.ask(
            "POST /there HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\nExpect: 100-continue\r\n"
                + "Content-Length: 1001\r\n\r\n")
        #expect(answer.status == 413 && answer.fields["x-path"] == "/there" && answer.fields["x-request-id"] == "mine")
        #expect(try client.readToEnd().isEmpty)
        server.stop(graceSeconds: 1)
    }

    // MARK: Time

    /// Some clients send an empty line behind a body: no request has begun with it.
    @Test func anEmptyLineBehindARequestIsNoBegin() throws {
        // Long enough for a client that is late on a busy machine.
        let server = try serve { $0.headTimeoutSeconds = 1 }
        let client = try WireClient(port: server.port)
        #expect(try client.ask(post("x") + "\r\n").text == "POST x")
        _ = DispatchSemaphore(value: 0).wait(timeout: .now() + 1.5)
        #expect(!client.hasInput)
        #expect(try client.ask(Self.get).text == "GET ")
        server.stop(graceSeconds: 1)
    }

    @Test func slowClientsAreGivenUp() throws {
        let server = try serve {
            // Long enough for a client that is late on a busy machine.
            $0.headTimeoutSeconds = 1
            $0.bodyTimeoutSeconds = 1
            $0.keepAliveSeconds = 1.5
        }
        let silent = try WireClient(port: server.port)
        let slowHead = try WireClient(port: server.port)
        slowHead.send("GET / HTTP/1.1\r\nHost")
        let slowBody = try WireClient(port: server.port)
        slowBody.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
        let idle = try WireClient(port: server.port)
        #expect(try idle.ask(Self.get).status == 200)
        #expect(try slowHead.readAnswer().text == "slowHead")
        #expect(try slowHead.readToEnd().isEmpty)
        let tooSlow = try slowBody.readAnswer()
        #expect(tooSlow.text == "slowBody" && tooSlow.fields["x-path"] == "/")
        #expect(try silent.readToEnd().isEmpty)
        #expect(try idle.readToEnd().isEmpty)
        server.stop(graceSeconds: 1)
    }

    /// A head that comes a byte at a time has no more time than one that comes whole.
    @Test func drippingDoesNotExtendTheHead() throws {
        let server = try serve { $0.headTimeoutSeconds = 0.2 }
        let client = try WireClient(port: server.port)
        // Counted in drops, as a busy machine makes both sides late.
        var drops = 0
        while drops < 100, client.send("G"), !eventuallyAnswered(client) { drops += 1 }
        #expect(drops < 60)
        server.stop(graceSeconds: 1)
    }

    private func eventuallyAnswered(_ client: WireClient) -> Bool {
        _ = DispatchSemaphore(value: 0).wait(timeout: .now() + 0.03)
        return client.hasInput
    }

    /// The least rate: steady drops of a body do not keep a connection for ever.
    @Test func aDrippingBodyIsGivenUp() throws {
        let server = try serve {
            $0.bodyTimeoutSeconds = 0.2
            $0.leastBytesPerSecond = 1000
        }
        let client = try WireClient(port: server.port)
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
        var drops = 0
        while drops < 100, client.send("x"), !eventuallyAnswered(client) { drops += 1 }
        #expect(try client.readAnswer().text == "slowBody")
        #expect(drops < 60)
        server.stop(graceSeconds: 1)
    }

    /// What came quickly is no credit for what trickles after it.
    @Test func aBodyThatTricklesAfterAQuickBeginIsGivenUp() throws {
        let server = try serve {
            $0.bodyTimeoutSeconds = 0.2
            $0.leastBytesPerSecond = 1000
        }
        let client = try WireClient(port: server.port)
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n")
        client.send(String(repeating: "x", count: 100_000))
        var drops = 0
        while drops < 60, client.send("x"), !eventuallyAnswered(client) { drops += 1 }
        let answer = try client.readAnswer()
        #expect(answer.status == 408 && answer.text == "slowBody" && drops < 60)
        server.stop(graceSeconds: 1)
    }

    @Test func aReaderThatDoesNotReadIsGivenUp() throws {
        let server = try serve { $0.writeTimeoutSeconds = 0.2 }
        let client = try WireClient(port: server.port)
        client.limitReceiveBuffer(bytes: 4096)
        client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try? client.readHead()
        #expect(eventually { server.connectionCount == 0 })
        #expect(throws: WireClient.Failure.self) { try client.read(count: 8_000_000) }
        server.stop(graceSeconds: 1)
    }

    // MARK: Clients that go

    /// A request was kept for good once its handler wanted to hear of the client's going: 2.6 KB and its picture.
    @Test func anAnsweredRequestIsLetGoOf() throws {
        let server = try serve()
        let client = try WireClient(port: server.port)
        for _ in 0..<10 { #expect(try client.ask(post("x")).status == 200) }
        #expect(eventually { handler.released.value == 10 })
        #expect(handler.cancelled.value == 0)
        server.stop(graceSeconds: 1)
    }

    // MARK: Addresses

    @Test func takenPortsAndBadHostsAreNamed() throws {
        let server = try serve()
        #expect(throws: TransportError.addressInUse(host: "127.0.0.1", port: server.port)) {
            try serve { $0.port = server.port }
        }
        #expect(throws: TransportError.invalidPort(65536)) { try serve { $0.port = 65536 } }
        #expect(throws: TransportError.self) { try serve { $0.host = "no.such.host.invalid" } }
        server.stop(graceSeconds: 1)
    }

    @Test(arguments: ["localhost", "0.0.0.0", "::"]) func listensOnEveryKindOfAddress(host: String) throws {
        let server = try serve { $0.host = host }
        #expect(server.port > 0 && server.url == "http://localhost:\(server.port)")
        #expect(try WireClient(port: server.port).ask(Self.get).status == 200)
        server.stop(graceSeconds: 1)
    }

    /// Many clients that come and go at random points leave nothing behind, and disturb nobody.
    @Test func survivesARushOfAborts() throws {
        let server = try serve()
        let failures = Counter()
        DispatchQueue.concurrentPerform(iterations: 300) { index in
            guard let client = try? WireClient(port: server.port) else {
                failures.add()
                return
            }
            let request = Array(post("body \(index)").utf8)
            if index % 3 == 0 {
                client.send(Array(request[..<(index * 7 % request.count)]))
                client.close()
            } else if index % 3 == 1 {
                client.send(request)
                client.close()
            } else {
                client.send(request)
                let answer = try? client.readAnswer()
                if answer?.text != "POST body \(index)" { failures.add() }
            }
        }
        #expect(failures.value == 0)
        server.stop(graceSeconds: 1)
    }
}
