import HTTPProtocol
import Testing

@Suite struct ResponseTests {
    private func text(
        _ response: Response, method: String? = "GET", version: HTTPVersion = .http11, keepsAlive: Bool = true
    )
        -> String
    {
        let pieces = response.encoded(method: method, version: version, keepsAlive: keepsAlive, date: "D")
        return String(decoding: pieces.flatMap { $0 }, as: UTF8.self)
    }

    private let hello = Response(
        status: 200, fields: [("Content-Type", "text/plain")], body: [Array("hel".utf8), Array("lo".utf8)])

    @Test func writesHeadAndBody() {
        #expect(
            text(hello) == "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: D\r\nContent-Length: 5\r\n\r\nhello")
    }

    @Test func headHasTheLengthOfGetAndNoBody() {
        #expect(text(hello, method: "HEAD").hasSuffix("Content-Length: 5\r\n\r\n"))
    }

    @Test func saysWhatBecomesOfTheConnection() {
        #expect(text(hello, keepsAlive: false).contains("\r\nConnection: close\r\n"))
        #expect(text(hello, version: .http10).contains("\r\nConnection: keep-alive\r\n"))
        #expect(!text(hello).contains("Connection"))
    }

    @Test(arguments: [204, 304]) func someAnswersHaveNoBody(status: Int) {
        let answer = text(Response(status: status, body: [[0x61]]))
        #expect(!answer.contains("Content-Length") && answer.hasSuffix("\r\n\r\n"))
    }

    @Test func valuesCannotEndAField() {
        let answer = text(Response(status: 200, fields: [("X-Echo", "a\r\nEvil: 1\u{0}")]))
        #expect(answer.contains("\r\nX-Echo: a  Evil: 1 \r\n"))
    }

    @Test func framingBelongsToTheConnection() {
        let answer = text(Response(status: 200, fields: [("content-length", "99"), ("Transfer-Encoding", "chunked")]))
        #expect(!answer.contains("99") && !answer.contains("chunked"))
    }

    @Test func largeBodiesAreNotCopied() {
        let pieces = Response(status: 200, body: [[UInt8](repeating: 1, count: 20_000), [], [2]])
            .encoded(method: "GET", version: .http11, keepsAlive: true, date: "D")
        #expect(pieces.map(\.count).dropFirst() == [20_000, 1])
    }
}
