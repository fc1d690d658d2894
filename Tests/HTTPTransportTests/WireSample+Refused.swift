import HTTPProtocol

/// What must not be understood: each is a way to have two readers see different requests, or an attack on one of them.
extension WireSample {
    private static func line(_ line: String, _ error: RequestError) -> WireSample {
        bad("3 \(line.debugDescription)", lines(line, "Host: a"), error)
    }

    private static func field(_ field: String, _ error: RequestError) -> WireSample {
        bad("5 \(field.debugDescription)", get(field), error)
    }

    private static func host(_ value: String) -> WireSample {
        bad("3.2 host \(value.debugDescription)", lines("GET / HTTP/1.1", "Host: \(value)"), .invalidHost)
    }

    private static func framing(_ fields: String, _ error: RequestError) -> WireSample {
        bad("6 \(fields.debugDescription)", post(fields, then: "3\r\nabc\r\n0\r\n\r\n"), error)
    }

    private static func chunk(_ chunks: String, _ error: RequestError) -> WireSample {
        bad("7 \(chunks.debugDescription)", chunked(chunks + "\r\n0\r\n\r\n"), error)
    }

    static let refusedLines: [WireSample] = [
        bad("2.2 LF alone", "GET / HTTP/1.1\nHost: a\n\n", .bareLineFeed),
        bad("2.2 LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", .bareLineFeed),
        bad("2.2 LF after a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", .bareLineFeed),
        bad("2.2 LF for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
        bad("2.2 CR alone", "GET / HTTP/1.1\rHost: a\r\r", .bareCarriageReturn),
        bad("2.2 CR twice", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", .bareCarriageReturn),
        bad("2.2 CR in the target", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", .bareCarriageReturn),
        bad("2.2 empty lines before", "\r\n\r\n" + get(), .malformedRequestLine),
        bad("2.2 white space before", " " + get(), .malformedRequestLine),
        bad("2.2 TLS", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n", .malformedRequestLine),
        line("GET  / HTTP/1.1", .malformedRequestLine), line("GET /  HTTP/1.1", .malformedRequestLine),
        line("GET\t/ HTTP/1.1", .malformedRequestLine), line("GET / HTTP/1.1 ", .malformedRequestLine),
        line("GET /", .malformedRequestLine), line("/ HTTP/1.1", .malformedRequestLine),
        line("GET HTTP/1.1", .malformedRequestLine), line("GET / a HTTP/1.1", .malformedRequestLine),
        line("GE(T / HTTP/1.1", .malformedRequestLine), line("GET / http/1.1", .malformedRequestLine),
        line("GET / HTTP/1.1.1", .malformedRequestLine), line("GET / HTTP/11", .malformedRequestLine),
        line("GET / HTTP/+1.1", .malformedRequestLine), line("GET / HTTP 1.1", .malformedRequestLine),
        line("GET / HTTP/2.0", .unsupportedVersion), line("GET / HTTP/1.2", .unsupportedVersion),
        line("GET / HTTP/0.9", .unsupportedVersion), line("PRI * HTTP/2.0", .unsupportedVersion),
        line("GET a HTTP/1.1", .invalidTarget), line("GET * HTTP/1.1", .invalidTarget),
        line("GET ?a HTTP/1.1", .invalidTarget), line("GET /#a HTTP/1.1", .invalidTarget),
        line("GET /\u{0} HTTP/1.1", .invalidTarget), line("GET /\u{7F} HTTP/1.1", .invalidTarget),
        line("GET /\u{FC} HTTP/1.1", .invalidTarget), line("GET /\t HTTP/1.1", .invalidTarget),
        line("GET file:///a HTTP/1.1", .invalidTarget), line("CONNECT a:1 HTTP/1.1", .invalidTarget),
        line("GET http:// HTTP/1.1", .invalidHost), line("GET http://u@a/ HTTP/1.1", .invalidHost),
        bad("3 a line that is too long", lines("GET /" + String(repeating: "a", count: 9000) + " HTTP/1.1", "Host: a"),
            .requestLineTooLong(limitBytes: 8192)),
    ]

    static let refusedFields: [WireSample] = [
        bad("3.2 no host", lines("GET / HTTP/1.1"), .missingHost),
        bad("3.2 no host, absolute form", lines("GET http://a/ HTTP/1.1"), .missingHost),
        bad("3.2 two hosts", get("Host: b"), .repeatedHost),
        bad("3.2 the same host twice", get("Host: a"), .repeatedHost),
        bad("3.2 two hosts of HTTP/1.0", version10("GET /", "Host: a", "Host: b"), .repeatedHost),
        host(""), host("a b"), host("a/b"), host("u@a"), host("a,b"), host("a:b"), host("a:1:2"), host("a:65536"),
        host(":1"), host("[::1"), host("[::g]"), host("[::1]a"), host("a?"), host("a#b"), host("%4"), host("\u{FC}"),
        field("X : a", .invalidFieldName), field("X\t: a", .invalidFieldName), field(": a", .invalidFieldName),
        field("X", .invalidFieldName), field("X Y: a", .invalidFieldName), field("X\u{0}: a", .invalidFieldName),
        field("X(: a", .invalidFieldName), field("\u{FC}: a", .invalidFieldName),
        field("X: a\r\n b", .foldedField), field("X: a\r\n\tb", .foldedField), field(" X: a", .foldedField),
        field("X: a\u{0}b", .invalidFieldValue), field("X: a\u{1}", .invalidFieldValue),
        field("X: a\u{7F}", .invalidFieldValue), field("X: a\u{C}b", .invalidFieldValue),
        field("X: a\rb", .bareCarriageReturn), field("X: a\nY: b", .bareLineFeed),
        bad("5.2 a fold before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", .foldedField),
        bad("RFC 9110 5.4 too many fields", get(String(repeating: "X: y\r\n", count: 100) + "Z: w"),
            .tooManyFields(limit: 100)),
        bad("RFC 9110 5.4 too long a field", get("X: " + String(repeating: "y", count: 40_000)),
            .fieldsTooLarge(limitBytes: 32_768)),
        field("Expect: 200-ok", .unknownExpectation), field("Expect: 100-continue, a", .unknownExpectation),
        field("Expect:", .unknownExpectation),
    ]

    static let refusedFraming: [WireSample] = [
        framing("Content-Length: 3\r\nTransfer-Encoding: chunked", .lengthWithTransferEncoding),
        framing("Transfer-Encoding: chunked\r\nContent-Length: 3", .lengthWithTransferEncoding),
        framing("Content-Length: 0\r\nTransfer-Encoding: chunked", .lengthWithTransferEncoding),
        framing("Content-Length: 3\r\nContent-Length: 3", .repeatedContentLength),
        framing("Content-Length: 3\r\nContent-Length: 5", .repeatedContentLength),
        framing("Content-Length: 3, 3", .invalidContentLength), framing("Content-Length: 3,5", .invalidContentLength),
        framing("Content-Length: +3", .invalidContentLength), framing("Content-Length: -3", .invalidContentLength),
        framing("Content-Length: 0x3", .invalidContentLength), framing("Content-Length: 3a", .invalidContentLength),
        framing("Content-Length: 3 3", .invalidContentLength), framing("Content-Length: 3.0", .invalidContentLength),
        framing("Content-Length:", .invalidContentLength), framing("Content-Length: \"3\"", .invalidContentLength),
        framing("Content-Length: 9223372036854775808", .invalidContentLength),
        framing("Content-Length: 18446744073709551619", .invalidContentLength),
        framing("Content-Length: 67108865", .bodyTooLarge(limitBytes: 67_108_864)),
        framing("Transfer-Encoding: identity", .invalidTransferEncoding),
        framing("Transfer-Encoding: gzip", .invalidTransferEncoding),
        framing("Transfer-Encoding: xchunked", .invalidTransferEncoding),
        framing("Transfer-Encoding: chunked, identity", .invalidTransferEncoding),
        framing("Transfer-Encoding: chunked, chunked", .invalidTransferEncoding),
        framing("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", .invalidTransferEncoding),
        framing("Transfer-Encoding: chunked\r\nTransfer-Encoding: x", .invalidTransferEncoding),
        framing("Transfer-Encoding: ,chunked", .invalidTransferEncoding),
        framing("Transfer-Encoding: chunked;a=b", .invalidTransferEncoding),
        framing("Transfer-Encoding:", .invalidTransferEncoding),
        framing("Transfer-Encoding: gzip, chunked", .unknownTransferCoding),
        framing("Transfer-Encoding : chunked", .invalidFieldName),
        framing("Transfer-Encoding: \u{B}chunked", .invalidFieldValue),
        framing("Transfer-Encoding:\r\n chunked", .foldedField),
        bad("6.1 chunks of HTTP/1.0", version10("POST /", "Transfer-Encoding: chunked") + "0\r\n\r\n",
            .transferEncodingInHTTP10),
    ]

    static let refusedChunks: [WireSample] = [
        chunk("", .invalidChunkSize), chunk("g\r\na", .invalidChunkSize), chunk("0x1\r\na", .invalidChunkSize),
        chunk("+1\r\na", .invalidChunkSize), chunk("-1\r\na", .invalidChunkSize), chunk(" 1\r\na", .invalidChunkSize),
        chunk("1 \r\na", .invalidChunkSize), chunk("1 1\r\na", .invalidChunkSize), chunk(";a\r\na", .invalidChunkSize),
        chunk("1;\r\na", .invalidChunkSize), chunk("1;a,b\r\na", .invalidChunkSize),
        chunk("1;a=\r\na", .invalidChunkSize), chunk("1;a=\"b\r\na", .invalidChunkSize),
        chunk("1;\u{0}\r\na", .invalidChunkSize), chunk("10000000000000001\r\na", .invalidChunkSize),
        chunk("ffffffffffffffff\r\na", .invalidChunkSize),
        chunk("fffffffffffffff\r\na", .bodyTooLarge(limitBytes: 67_108_864)),
        chunk("1\na", .bareLineFeed), chunk("1\ra", .bareCarriageReturn), chunk("1;a\nb\r\na", .bareLineFeed),
        chunk("1\r\nab", .invalidChunkEnd), chunk("3\r\na", .invalidChunkEnd), chunk("1\r\na\n0\r\n", .invalidChunkEnd),
        chunk("1\r\na0", .invalidChunkEnd),
        chunk("0\r\nX : a\r\n", .invalidFieldName), chunk("0\r\n X: a\r\n", .foldedField),
        chunk("0\r\nX: \u{0}\r\n", .invalidFieldValue), chunk("0\r\nX: a\n\r\n", .bareLineFeed),
        chunk("0\r\n" + String(repeating: "X: y\r\n", count: 2000), .trailersTooLarge(limitBytes: 8192)),
        chunk("1;" + String(repeating: "a", count: 2000) + "\r\na", .invalidChunkSize),
    ]
}
