import HTTPProtocol
import Testing

/// Bytes that no request is made of. Most are ways to have two readers see different requests ("smuggling").
struct RefusedSample: Sendable, CustomTestStringConvertible {
    let text: String
    let reason: RequestError

    var testDescription: String { String(text.prefix(80)).debugDescription }

    private static func line(_ line: String, _ error: RequestError) -> RefusedSample {
        .init(text: "\(line)\r\nHost: a\r\n\r\n", reason: error)
    }

    private static func fields(_ fields: String, _ error: RequestError) -> RefusedSample {
        .init(text: "POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\nabc", reason: error)
    }

    private static func host(_ value: String, _ error: RequestError = .invalidHost) -> RefusedSample {
        .init(text: "GET / HTTP/1.1\r\nHost: \(value)\r\n\r\n", reason: error)
    }

    private static func chunks(_ chunks: String, _ error: RequestError) -> RefusedSample {
        .init(text: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)", reason: error)
    }

    static let requestLines: [RefusedSample] = [
        .init(text: "GET / HTTP/1.1\nHost: a\n\n", reason: .bareLineFeed),
        .init(text: "GET / HTTP/1.1\r\nHost: a\n\r\n", reason: .bareLineFeed),
        .init(text: "GET / HTTP/1.1\r\nHost: a\r\n\n", reason: .bareLineFeed),
        .init(text: "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", reason: .bareLineFeed),
        .init(text: "GET / HTTP/1.1\rHost: a\r\r", reason: .bareCarriageReturn),
        .init(text: "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", reason: .bareCarriageReturn),
        .init(text: "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", reason: .malformedRequestLine),
        line("GET  / HTTP/1.1", .malformedRequestLine), line("GET /  HTTP/1.1", .malformedRequestLine),
        line(" GET / HTTP/1.1", .malformedRequestLine), line("GET / HTTP/1.1 ", .malformedRequestLine),
        line("GET\t/\tHTTP/1.1", .malformedRequestLine), line("GET /", .malformedRequestLine),
        line("GET / x HTTP/1.1", .malformedRequestLine), line("GET", .malformedRequestLine),
        line("G\u{E9}T / HTTP/1.1", .malformedRequestLine), line("GE(T / HTTP/1.1", .malformedRequestLine),
        line("GET / HTTP/1.1x", .malformedRequestLine), line("GET / http/1.1", .malformedRequestLine),
        line("GET / HTTP/01.1", .malformedRequestLine), line("GET / HTTP/1", .malformedRequestLine),
        line("GET / HTTP/1,1", .malformedRequestLine), line("GET / HTTPS/1.1", .malformedRequestLine),
        line("GET / HTTP/2.0", .unsupportedVersion), line("GET / HTTP/0.9", .unsupportedVersion),
        line("GET / HTTP/1.2", .unsupportedVersion), line("GET / HTTP/9.9", .unsupportedVersion),
        line("PRI * HTTP/2.0", .unsupportedVersion),
        line("GET x HTTP/1.1", .invalidTarget), line("GET * HTTP/1.1", .invalidTarget),
        line("GET /# HTTP/1.1", .invalidTarget), line("GET /\u{FC} HTTP/1.1", .invalidTarget),
        line("GET /\u{7F} HTTP/1.1", .invalidTarget), line("GET /\u{1} HTTP/1.1", .invalidTarget),
        line("GET ftp://a/ HTTP/1.1", .invalidTarget), line("CONNECT a:443 HTTP/1.1", .invalidTarget),
        line("GET http:///x HTTP/1.1", .invalidHost), line("GET http://u:p@a/ HTTP/1.1", .invalidHost),
        line("OPTIONS *x HTTP/1.1", .invalidTarget),
        line("GET /\u{0} HTTP/1.1", .invalidTarget),
        .init(text: "\u{16}\u{3}\u{1}\u{2}\u{0}\r\n", reason: .malformedRequestLine),
    ]

    static let fieldLines: [RefusedSample] = [
        fields("Name : x", .invalidFieldName), fields("Name\t: x", .invalidFieldName), fields(": x", .invalidFieldName),
        fields("no colon", .invalidFieldName), fields("Na me: x", .invalidFieldName),
        fields("Na\u{E9}: x", .invalidFieldName), fields("Na(e: x", .invalidFieldName),
        fields("Na\u{0}e: x", .invalidFieldName), fields("\u{212A}: x", .invalidFieldName),
        fields("A: x\r\n folded", .foldedField), fields("A: x\r\n\tfolded", .foldedField),
        fields(" A: x", .foldedField),
        fields("A: x\u{0}y", .invalidFieldValue), fields("A: \u{1}", .invalidFieldValue),
        fields("A: \u{7F}", .invalidFieldValue), fields("A: \u{B}", .invalidFieldValue),
        fields("A: x\ry", .bareCarriageReturn), fields("A: x\nB: y", .bareLineFeed),
        .init(text: "GET / HTTP/1.1\r\n Host: a\r\n\r\n", reason: .foldedField),
        .init(text: "GET / HTTP/1.1\r\n\r\n", reason: .missingHost),
        .init(text: "GET http://a/ HTTP/1.1\r\n\r\n", reason: .missingHost),
        fields("Host: a", .repeatedHost),
        .init(text: "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", reason: .repeatedHost),
        host(""), host("a/b"), host("u@a"), host("a b"), host("a, b"), host("a,b"), host("a:x"), host("a:1:2"),
        host("a:65536"), host("a:000080"), host(":80"), host("[::1"), host("[]"), host("[g::]"), host("[::1]x"),
        host("a?"), host("a#"), host("%"), host("%4"), host("%zz"), host("\u{FC}"), host("http://a"),
        fields("Expect: 200-ok", .unknownExpectation), fields("Expect: 100-continue, x", .unknownExpectation),
        fields("Expect:", .unknownExpectation),
    ]

    static let framing: [RefusedSample] = [
        fields("Content-Length: 3\r\nTransfer-Encoding: chunked", .lengthWithTransferEncoding),
        fields("Transfer-Encoding: chunked\r\nContent-Length: 3", .lengthWithTransferEncoding),
        fields("Content-Length: 3\r\nContent-Length: 3", .repeatedContentLength),
        fields("Content-Length: 3\r\nContent-Length: 4", .repeatedContentLength),
        fields("Content-Length: 3, 3", .invalidContentLength), fields("Content-Length: 3,4", .invalidContentLength),
        fields("Content-Length: +3", .invalidContentLength), fields("Content-Length: -3", .invalidContentLength),
        fields("Content-Length: 0x3", .invalidContentLength), fields("Content-Length: 3 3", .invalidContentLength),
        fields("Content-Length: 3.0", .invalidContentLength), fields("Content-Length:", .invalidContentLength),
        fields("Content-Length: 1_0", .invalidContentLength), fields("Content-Length: \u{665}", .invalidContentLength),
        fields("Content-Length: 9223372036854775808", .invalidContentLength),
        fields("Content-Length: 99999999999999999999999999", .invalidContentLength),
        fields("Content-Length: 18446744073709551619", .invalidContentLength),
        fields("Content-Length: 9223372036854775807", .bodyTooLarge(limitBytes: 67_108_864)),
        fields("Content-Length: 67108865", .bodyTooLarge(limitBytes: 67_108_864)),
        fields("Transfer-Encoding: gzip", .invalidTransferEncoding),
        fields("Transfer-Encoding: identity", .invalidTransferEncoding),
        fields("Transfer-Encoding: xchunked", .invalidTransferEncoding),
        fields("Transfer-Encoding: chunkedx", .invalidTransferEncoding),
        fields("Transfer-Encoding: chunked, gzip", .invalidTransferEncoding),
        fields("Transfer-Encoding: chunked, chunked", .invalidTransferEncoding),
        fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", .invalidTransferEncoding),
        fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", .invalidTransferEncoding),
        fields("Transfer-Encoding: , chunked", .invalidTransferEncoding),
        fields("Transfer-Encoding: chunked,", .invalidTransferEncoding),
        fields("Transfer-Encoding: chunked;q=1", .invalidTransferEncoding),
        fields("Transfer-Encoding: \"chunked\"", .invalidTransferEncoding),
        fields("Transfer-Encoding:", .invalidTransferEncoding),
        fields("Transfer-Encoding: \u{B}chunked", .invalidFieldValue),
        fields("Transfer-Encoding : chunked", .invalidFieldName),
        fields("Transfer-Encoding\r\n : chunked", .invalidFieldName),
        fields("Transfer-Encoding: gzip, chunked", .unknownTransferCoding),
        fields("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", .unknownTransferCoding),
        .init(
            text: "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", reason: .transferEncodingInHTTP10),
    ]

    static let chunks: [RefusedSample] = [
        chunks("\r\n", .invalidChunkSize), chunks("g\r\n", .invalidChunkSize), chunks("0x3\r\nabc", .invalidChunkSize),
        chunks("+3\r\nabc", .invalidChunkSize), chunks("-3\r\nabc", .invalidChunkSize),
        chunks(" 3\r\nabc", .invalidChunkSize), chunks("3 \r\nabc", .invalidChunkSize),
        chunks("3\t\r\nabc", .invalidChunkSize), chunks("1_0\r\n", .invalidChunkSize),
        chunks("3 3\r\n", .invalidChunkSize),
        chunks("3;\r\nabc", .invalidChunkSize), chunks("3;a=\r\nabc", .invalidChunkSize),
        chunks("3;a=b,c\r\nabc", .invalidChunkSize), chunks("3;=a\r\nabc", .invalidChunkSize),
        chunks("3;a=\"b\r\nabc", .invalidChunkSize), chunks("3;a \r\nabc", .invalidChunkSize),
        chunks(";a\r\n", .invalidChunkSize), chunks("3;a\u{0}\r\nabc", .invalidChunkSize),
        chunks("ffffffffffffffff\r\n", .invalidChunkSize), chunks("10000000000000003\r\n", .invalidChunkSize),
        chunks("00000000000000003\r\n", .invalidChunkSize),
        chunks("4000001\r\n", .bodyTooLarge(limitBytes: 67_108_864)),
        chunks("7fffffffffffffff\r\n", .bodyTooLarge(limitBytes: 67_108_864)),
        chunks("3\nabc", .bareLineFeed), chunks("3;a\nabc", .bareLineFeed), chunks("3\rabc", .bareCarriageReturn),
        chunks("3\r\nabcd\r\n", .invalidChunkEnd), chunks("3\r\nabc\n", .invalidChunkEnd),
        chunks("3\r\nabc\rx", .invalidChunkEnd), chunks("3\r\nabc0\r\n\r\n", .invalidChunkEnd),
        chunks("0\r\nA : b\r\n\r\n", .invalidFieldName), chunks("0\r\n folded\r\n\r\n", .foldedField),
        chunks("0\r\nA: \u{0}\r\n\r\n", .invalidFieldValue), chunks("0\r\nA: b\n\r\n", .bareLineFeed),
        chunks("0\r\n\n", .bareLineFeed),
        chunks("3;" + String(repeating: "a", count: 2000) + "\r\nabc", .invalidChunkSize),
        chunks("0\r\n" + String(repeating: "A: b\r\n", count: 2000), .trailersTooLarge(limitBytes: 8192)),
        chunks(
            String(repeating: "1;" + String(repeating: "e", count: 900) + "\r\nx\r\n", count: 20),
            .chunkExtensionsTooLarge),
    ]
}

@Suite struct RefusedRequestTests {
    /// Refused for the same reason however the bytes are cut, and no later than at the sample's last byte.
    private func check(_ sample: RefusedSample) throws {
        let transcript = try #require(Transcript.consistent(Array(sample.text.utf8)), "pieces change the result")
        #expect(transcript.error == sample.reason)
        #expect(transcript.completeCount == 0)
    }

    @Test(arguments: RefusedSample.requestLines) func refusesRequestLine(_ sample: RefusedSample) throws {
        try check(sample)
    }

    @Test(arguments: RefusedSample.fieldLines) func refusesFields(_ sample: RefusedSample) throws { try check(sample) }

    @Test(arguments: RefusedSample.framing) func refusesFraming(_ sample: RefusedSample) throws { try check(sample) }

    @Test(arguments: RefusedSample.chunks) func refusesChunks(_ sample: RefusedSample) throws { try check(sample) }

    /// Each limit holds to the byte, and before the line has ended.
    @Test func limitsHoldToTheByte() {
        var limits = RequestLimits()
        limits.requestLineBytes = 20
        limits.fieldBytes = 40
        limits.fieldCount = 3
        limits.bodyBytes = 4
        func outcome(_ text: String) -> RequestError? {
            let transcript = Transcript.consistent(Array(text.utf8), limits: limits)
            #expect(transcript != nil)
            return transcript?.error
        }
        let host = "Host: a\r\n"
        #expect(outcome("GET /6789 HTTP/1.1\r\n\(host)\r\n") == nil)
        #expect(outcome("GET /678901 HTTP/1.1\r\n\(host)\r\n") == nil)
        #expect(outcome("GET /6789012 HTTP/1.1") == .requestLineTooLong(limitBytes: 20))
        #expect(outcome(String(repeating: "x", count: 21)) == .requestLineTooLong(limitBytes: 20))
        #expect(outcome("GET / HTTP/1.1\r\n\(host)A: \(String(repeating: "b", count: 26))\r\n\r\n") == nil)
        #expect(
            outcome("GET / HTTP/1.1\r\n\(host)A: \(String(repeating: "b", count: 27))\r\n\r\n")
                == .fieldsTooLarge(limitBytes: 40))
        #expect(outcome("GET / HTTP/1.1\r\n\(String(repeating: "b", count: 41))") == .fieldsTooLarge(limitBytes: 40))
        #expect(outcome("GET / HTTP/1.1\r\n\(host)A:1\r\nB:2\r\n\r\n") == nil)
        #expect(outcome("GET / HTTP/1.1\r\n\(host)A:1\r\nB:2\r\nC:3\r\n\r\n") == .tooManyFields(limit: 3))
        #expect(outcome("GET / HTTP/1.1\r\n\(host)Content-Length: 4\r\n\r\nabcd") == nil)
        #expect(outcome("GET / HTTP/1.1\r\n\(host)Content-Length: 5\r\n\r\n") == .bodyTooLarge(limitBytes: 4))
    }

    @Test func chunksTogetherKeepTheLimit() {
        var limits = RequestLimits()
        limits.bodyBytes = 4
        let text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\n"
        #expect(Transcript.consistent(Array(text.utf8), limits: limits)?.error == .bodyTooLarge(limitBytes: 4))
    }

    @Test func everyReasonIsOneLine() {
        for sample in RefusedSample.requestLines + RefusedSample.fieldLines + RefusedSample.framing
            + RefusedSample.chunks
        {
            #expect(!sample.reason.description.isEmpty && !sample.reason.description.contains("\n"))
        }
    }
}
