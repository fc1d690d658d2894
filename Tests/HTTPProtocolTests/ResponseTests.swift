import HTTPProtocol
import Testing

@Suite struct ResponseTests {
    private func text(
        _ response: Response, version: HTTPVersion = .http11, framing: ResponseFraming = .length,
        keepsAlive: Bool = true
    ) -> String {
        var bytes: [UInt8] = []
        response.appendHead(to: &bytes, version: version, framing: framing, keepsAlive: keepsAlive, date: "D")
        return String(decoding: bytes, as: UTF8.self)
    }

    private let hello = Response(
        status: 200, fields: [("Content-Type", "text/plain")], body: [Array("hel".utf8), Array("lo".utf8)])

    @Test func writesTheHead() {
        #expect(text(hello) == "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: D\r\nContent-Length: 5\r\n")
    }

    @Test func saysHowTheBodyEnds() {
        let chunked = text(hello, framing: .chunked)
        #expect(chunked.contains("\r\nTransfer-Encoding: chunked\r\n") && !chunked.contains("Content-Length"))
        let open = text(hello, version: .http10, framing: .untilClose, keepsAlive: false)
        #expect(!open.contains("Transfer-Encoding") && !open.contains("Content-Length"))
    }

    @Test(arguments: [(1, "1\r\n"), (16, "10\r\n"), (255, "ff\r\n")]) func writesChunkSizes(count: Int, text: String) {
        #expect(ChunkedCoding.prefix(byteCount: count) == Array(text.utf8))
    }

    @Test func saysWhatBecomesOfTheConnection() {
        #expect(text(hello, keepsAlive: false).contains("\r\nConnection: close\r\n"))
        #expect(text(hello, version: .http10).contains("\r\nConnection: keep-alive\r\n"))
        #expect(!text(hello).contains("Connection"))
    }

    @Test(arguments: [204, 304]) func someAnswersHaveNoBody(status: Int) {
        let answer = text(Response(status: status, body: [[0x61]]))
        #expect(!answer.contains("Content-Length") && answer.hasPrefix("HTTP/1.1 \(status) "))
    }

    @Test func valuesCannotEndAField() {
        let answer = text(Response(status: 200, fields: [("X-Echo", "a\r\nEvil: 1\u{0}")]))
        #expect(answer.contains("\r\nX-Echo: a  Evil: 1 \r\n"))
    }

    @Test func framingBelongsToTheConnection() {
        let answer = text(Response(status: 200, fields: [("content-length", "99"), ("Transfer-Encoding", "chunked")]))
        #expect(!answer.contains("99") && !answer.contains("chunked"))
    }
}
