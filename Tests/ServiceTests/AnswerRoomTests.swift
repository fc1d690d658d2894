import Dispatch
import HTTPProtocol
import HTTPTransport
import ImageCodecs
import Synchronization
import Testing

@testable import Jobs
@testable import ServiceAPI

/// Answers for which there is no room in memory, since slow clients have yet to take others.
struct AnswerRoomTests {
    /// A request whose result is larger than what always finds room.
    private static func request(_ path: String) throws -> Request {
        var generator = SeededGenerator(seed: 1)
        let side = 180
        var bytes = (0..<side * side * 4).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        for place in stride(from: 3, to: bytes.count, by: 4) { bytes[place] = 255 }
        let picture = try PNGEncoder.encode(PixelBuffer(width: side, height: side, bytes: bytes))
        var parser = RequestParser()
        parser.receive(ServiceFixture.form([], image: picture, path: path)[...])
        var head: RequestHead?
        var body: [UInt8] = []
        parsing: while true {
            switch try parser.next() {
            case .head(let found): head = found
            case .body(let slice): body += slice
            case .end, .needsMore: break parsing
            }
        }
        return Request(head: try #require(head), body: body, id: "x", cancellation: RequestCancellation())
    }

    /// What has been made is not lost: it can be fetched, and only the answer that went out is counted.
    @Test(arguments: ["/v1/layers", "/v1/images/edits"]) func theResultCanBeFetchedLater(path: String) throws {
        let fixture = try ServiceFixture(service: { $0.maximumPixels = 100_000 })
        let request = try Self.request(path)
        let sent = Mutex<Response?>(nil)
        let isSent = DispatchSemaphore(value: 0)
        fixture.service.respond(
            to: request,
            through: Responder(hasRoom: false) { answer in
                sent.withLock { $0 = answer }
                isSent.signal()
            })
        #expect(isSent.wait(timeout: .now() + 60) == .success)
        let answer = try #require(sent.withLock { $0 })
        let fields = Dictionary(answer.fields.map { ($0.name.lowercased(), $0.value) }) { first, _ in first }
        let seen = TestClient.Answer(status: answer.status, fields: fields, body: answer.body.flatMap { $0 })
        #expect(seen.status == 503 && fields["retry-after"] != nil)
        #expect(try OpenAPIChecker().problems(seen, "POST", path) == [])
        #expect(seen.text.contains(path == "/v1/layers" ? "answers-too-large" : "answers_too_large"))
        let client = try fixture.client()
        let job = try #require(fields["location"])
        let result = try client.ask("GET \(job)/result?format=zip HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(result.status == 200 && result.body.count > 64 << 10)
        let metrics = try client.ask("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").text
        #expect(metrics.contains("mica_http_requests_total{path=\"\(path)\",method=\"POST\",status=\"503\"} 1\n"))
        #expect(!metrics.contains("{path=\"\(path)\",method=\"POST\",status=\"200\"}"))
        fixture.stop()
    }

    /// Who has got the result is the only one who knows of the job: it goes.
    @Test func aResultThatWasSentIsNotKept() throws {
        let fixture = try ServiceFixture(service: { $0.maximumPixels = 100_000 })
        let sent = Mutex<Int?>(nil)
        let isSent = DispatchSemaphore(value: 0)
        fixture.service.respond(
            to: try Self.request("/v1/layers"),
            through: Responder { answer in
                sent.withLock { $0 = answer?.status }
                isSent.signal()
            })
        #expect(isSent.wait(timeout: .now() + 60) == .success)
        #expect(sent.withLock { $0 } == 200)
        #expect(eventually { fixture.service.jobs.state.withLock { $0.live.isEmpty && $0.ended.isEmpty } })
        fixture.stop()
    }
}
