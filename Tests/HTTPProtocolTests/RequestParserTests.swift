import HTTPProtocol
import Testing

/// A request that is accepted, and what it says.
struct AcceptedSample: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    var method = "GET"
    var path = "/"
    var query: String?
    var body = ""
    var keepsAlive = true
    var expectsContinue = false

    var testDescription: String { name }

    static let all: [AcceptedSample] = [
        .init(name: "least", text: "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        .init(name: "query", text: "GET /x?a=1&b=? HTTP/1.1\r\nHost: a:80\r\n\r\n", path: "/x", query: "a=1&b=?"),
        .init(name: "empty query", text: "GET /x? HTTP/1.1\r\nHost: a\r\n\r\n", path: "/x", query: ""),
        .init(name: "empty line before", text: "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        .init(name: "no space after colon", text: "GET / HTTP/1.1\r\nHost:a\r\n\r\n"),
        .init(name: "blanks around value", text: "GET / HTTP/1.1\r\nHost: \t a \t\r\n\r\n"),
        .init(name: "empty value", text: "GET / HTTP/1.1\r\nHost: a\r\nX-Empty:\r\n\r\n"),
        .init(name: "opaque bytes in value", text: "GET / HTTP/1.1\r\nHost: a\r\nX-Name: \u{FC}\r\n\r\n"),
        .init(name: "field name in any case", text: "GET / HTTP/1.1\r\nhOsT: a\r\n\r\n"),
        .init(name: "IPv6 host", text: "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"),
        .init(name: "host with empty port", text: "GET / HTTP/1.1\r\nHost: a:\r\n\r\n"),
        .init(name: "host with underscore", text: "GET / HTTP/1.1\r\nHost: my_host\r\n\r\n"),
        .init(name: "method of its own", text: "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", method: "BREW", path: "/pot"),
        .init(name: "lower-case method", text: "get / HTTP/1.1\r\nHost: a\r\n\r\n", method: "get"),
        .init(name: "absolute form", text: "GET http://b:1/p?q HTTP/1.1\r\nHost: a\r\n\r\n", path: "/p", query: "q"),
        .init(name: "absolute form without path", text: "GET HTTP://b HTTP/1.1\r\nHost: b\r\n\r\n"),
        .init(name: "absolute form with query only", text: "GET http://b?q HTTP/1.1\r\nHost: b\r\n\r\n", query: "q"),
        .init(name: "https absolute form", text: "GET https://b/ HTTP/1.1\r\nHost: b\r\n\r\n"),
        .init(name: "asterisk", text: "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", method: "OPTIONS", path: "*"),
        .init(name: "double slash", text: "GET //x HTTP/1.1\r\nHost: a\r\n\r\n", path: "//x"),
        .init(
            name: "close", text: "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            keepsAlive: false),
        .init(
            name: "close in a list", text: "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n",
            keepsAlive: false),
        .init(
            name: "close in a second field",
            text: "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
            keepsAlive: false),
        .init(name: "1.0", text: "GET / HTTP/1.0\r\n\r\n", keepsAlive: false),
        .init(name: "1.0 keep-alive", text: "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"),
        .init(name: "1.0 with host", text: "GET / HTTP/1.0\r\nHost: a\r\n\r\n", keepsAlive: false),
        .init(
            name: "1.0 with expectation", text: "GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", keepsAlive: false),
        .init(
            name: "length", text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", method: "POST",
            body: "abc"),
        .init(name: "length 0", text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", method: "POST"),
        .init(name: "no length", text: "POST / HTTP/1.1\r\nHost: a\r\n\r\n", method: "POST"),
        .init(
            name: "leading zeros in the length", text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 003\r\n\r\nabc",
            method: "POST", body: "abc"),
        .init(name: "GET with body", text: "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", body: "hi"),
        .init(
            name: "line ends in the body", text: "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n\r\n\n\r\n\r",
            method: "PUT", body: "\r\n\n\r\n\r"),
        .init(
            name: "expectation",
            text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\nx",
            method: "POST", body: "x", expectsContinue: true),
        chunked("one chunk", "3\r\nabc\r\n0\r\n\r\n", body: "abc"),
        chunked("no chunk", "0\r\n\r\n", body: ""),
        chunked("many chunks", "1\r\na\r\n2\r\nbc\r\n00\r\n\r\n", body: "abc"),
        chunked("hex in both cases", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", body: "01234567890123456789"),
        chunked("leading zeros", "0003\r\nabc\r\n000\r\n\r\n", body: "abc"),
        chunked("extension", "3;a\r\nabc\r\n0;b=c;d=\"e;f\"\r\n\r\n", body: "abc"),
        chunked("extension after blanks", "3 \t; a = b\r\nabc\r\n0\r\n\r\n", body: "abc"),
        chunked("trailers", "3\r\nabc\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n", body: "abc"),
        chunked("line ends inside chunks", "4\r\n\r\n\r\n\r\n0\r\n\r\n", body: "\r\n\r\n"),
        .init(
            name: "chunked in capitals",
            text: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n1\r\nz\r\n0\r\n\r\n", method: "POST",
            body: "z"),
    ]

    private static func chunked(_ name: String, _ chunks: String, body: String) -> AcceptedSample {
        .init(
            name: "chunked: \(name)", text: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)",
            method: "POST", body: body)
    }
}

@Suite struct RequestParserTests {
    @Test(arguments: AcceptedSample.all) func accepts(_ sample: AcceptedSample) throws {
        let transcript = try #require(Transcript.consistent(Array(sample.text.utf8)), "pieces change the result")
        let expected = Transcript.Message(
            method: sample.method, path: sample.path, query: sample.query, body: Array(sample.body.utf8),
            keepsAlive: sample.keepsAlive, expectsContinue: sample.expectsContinue, isComplete: true)
        #expect(transcript.error == nil)
        #expect(transcript.messages == [expected])
    }

    /// A request that is cut off is never complete and never an error: the rest may yet come.
    @Test(arguments: AcceptedSample.all) func waitsForTheRest(_ sample: AcceptedSample) {
        let bytes = Array(sample.text.utf8)
        for length in 0..<bytes.count {
            let transcript = Transcript(Array(bytes[..<length]), pieceSize: 16)
            #expect(transcript.error == nil && transcript.completeCount == 0, "at \(length)")
        }
    }

    @Test func readsPipelinedRequestsInOrder() throws {
        let samples = AcceptedSample.all
        let stream = samples.flatMap { Array($0.text.utf8) }
        let transcript = try #require(Transcript.consistent(stream))
        #expect(transcript.error == nil)
        #expect(transcript.messages.map(\.body) == samples.map { Array($0.body.utf8) })
        #expect(transcript.messages.map(\.path) == samples.map(\.path))
    }

    /// Random damage may be accepted or refused, but never traps, never depends on the cutting, never invents requests.
    @Test func survivesMutations() throws {
        var generator = SeededGenerator(seed: 9112)
        let alphabet = Array("\r\n\t :;,0aF/?%\u{0}\u{7F}GET".utf8) + [0x80, 0xFF]
        for sample in AcceptedSample.all + AcceptedSample.all {
            var bytes = Array((sample.text + sample.text).utf8)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                let byte = alphabet.randomElement(using: &generator) ?? 0
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = byte
                case 1: bytes.insert(byte, at: place)
                default: bytes.remove(at: place)
                }
            }
            let transcript = try #require(Transcript.consistent(bytes), "\(sample.name)")
            #expect(transcript.messages.count <= 4)
        }
    }

    /// An empty line behind a request is no begin of a next one.
    @Test(arguments: [
        ("", true), ("\r\n", true), ("\r", false), ("\r\nG", false), ("G", false), ("GET / HTTP/1.1\r\n", false),
    ])
    func knowsWhenNothingHasBegun(text: String, isIdle: Bool) throws {
        for before in ["", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"] {
            var parser = RequestParser()
            parser.receive(Array((before + text).utf8)[...])
            events: while true {
                if case .needsMore = try parser.next() { break events }
            }
            #expect(parser.isIdle == isIdle)
        }
    }

    /// The head tells how to answer; of other errors there is none.
    @Test(arguments: [
        ("Content-Length: 5", true), ("Content-Length: x", false), ("Content-Length: 5\r\nX", false),
        ("Expect: more", true), ("Expect: more\r\nContent-Length: 1", true),
        ("Expect: more\r\nContent-Length: x", false),
    ])
    func keepsTheHeadThatAsksTooMuch(fields: String, isKept: Bool) {
        var limits = RequestLimits()
        limits.bodyBytes = 4
        var parser = RequestParser(limits: limits)
        parser.receive(Array("POST /x HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\nabcde".utf8)[...])
        #expect(throws: RequestError.self) { try parser.next() }
        #expect(parser.refusedHead.map { $0.target.path } == (isKept ? Array("/x".utf8) : nil))
    }

    @Test func staysFailed() {
        var parser = RequestParser()
        parser.receive(Array("GET / HTTP/1.1\n".utf8)[...])
        #expect(throws: RequestError.bareLineFeed) { try parser.next() }
        parser.receive(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)[...])
        #expect(throws: RequestError.bareLineFeed) { try parser.next() }
    }

    @Test func laterFieldsDoNotLeakIntoTheNextRequest() throws {
        var parser = RequestParser()
        let text = "GET /1 HTTP/1.1\r\nHost: a\r\nX-One: 1\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n"
        parser.receive(Array(text.utf8)[...])
        guard case .head(let first) = try parser.next(), case .end = try parser.next(),
            case .head(let second) = try parser.next()
        else { return #expect(Bool(false), "two heads were sent") }
        #expect(first.fields["x-one"] == "1" && first.fields.count == 2)
        #expect(second.fields["x-one"] == nil && second.fields["host"] == "b")
    }

    @Test(arguments: [
        ("/a/b", ["a", "b"]), ("/", [""]), ("/a%2Fb/c", ["a/b", "c"]), ("/%C3%BC", ["ü"]), ("/a/", ["a", ""]),
        ("/%00", nil), ("/%0d%0a", nil), ("/%zz", nil), ("/%4", nil), ("/%FF", nil), ("/a+b", ["a+b"]),
    ])
    func decodesPathSegments(path: String, expected: [String]?) throws {
        var parser = RequestParser()
        parser.receive(Array("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)[...])
        guard case .head(let head) = try parser.next() else { return #expect(Bool(false), "no head") }
        #expect(head.target.pathSegments == expected)
    }
}
