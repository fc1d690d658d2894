import HTTPProtocol
import HTTPTransport
import ImageCodecs
import QwenImage
import ServiceAPI
import TensorCore
import Testing

/// A bad request, and what it is told.
struct BadRequest: Sendable, CustomTestStringConvertible {
    let name: String
    let request: @Sendable () throws -> [UInt8]
    let status: Int
    let code: String
    var detail = ""

    var testDescription: String { name }

    private static func form(
        _ fields: [(String, String)], _ status: Int, _ code: String, _ detail: String = ""
    ) -> BadRequest {
        BadRequest(
            name: "form \(fields.map { "\($0.0)=\($0.1.prefix(40))" })",
            request: { ServiceFixture.form(fields, image: try ServiceFixture.png()) }, status: status,
            code: code, detail: detail)
    }

    private static func query(_ query: String, _ status: Int, _ code: String, _ detail: String = "") -> BadRequest {
        BadRequest(
            name: "query \(query)", request: { ServiceFixture.request(query: query, body: try ServiceFixture.png()) },
            status: status, code: code, detail: detail)
    }

    private static func body(
        _ name: String, type: String = "image/png", _ status: Int, _ code: String, _ detail: String = "",
        _ body: @escaping @Sendable () throws -> [UInt8]
    ) -> BadRequest {
        BadRequest(
            name: name, request: { ServiceFixture.request(more: "Content-Type: \(type)\r\n", body: try body()) },
            status: status, code: code, detail: detail)
    }

    static let parameters: [BadRequest] = [
        form([("layer", "3")], 400, "unknown-parameter", "negative_prompt"),
        form([("layers", "0")], 422, "parameter-out-of-range", "1 to 16, or auto"),
        form([("layers", "17")], 422, "parameter-out-of-range", "1 to 16"),
        form([("layers", "+3")], 422, "parameter-out-of-range"),
        form([("layers", "3.0")], 422, "parameter-out-of-range"),
        form([("layers", "")], 422, "parameter-out-of-range"),
        form([("layers", "99999999999999999999")], 422, "parameter-out-of-range"),
        form([("steps", "1001")], 422, "parameter-out-of-range", "1 to 1000"),
        form([("resolution", "63")], 422, "parameter-out-of-range", "64 to 2048"),
        form([("max_sequence_length", "1025")], 422, "parameter-out-of-range", "1 to 1024"),
        form([("first_block_cache", "1.5")], 422, "parameter-out-of-range", "0 to 1"),
        form([("first_block_cache", "on")], 422, "parameter-out-of-range", "0 to 1"),
        form([("images", "9")], 422, "parameter-out-of-range", "1 to 8"),
        form([("true_cfg_scale", "100.5")], 422, "parameter-out-of-range", "0 to 100"),
        form([("true_cfg_scale", "nan")], 422, "parameter-out-of-range"),
        form([("true_cfg_scale", "-1")], 422, "parameter-out-of-range"),
        form([("true_cfg_scale", "0x10")], 422, "parameter-out-of-range"),
        form([("cfg_normalize", "yes")], 422, "parameter-out-of-range", "true or false"),
        form([("caption_language", "de")], 422, "parameter-out-of-range", "en or zh"),
        form([("generator", "mps")], 422, "parameter-out-of-range", "cpu or cuda"),
        form([("dtype", "float16")], 422, "parameter-out-of-range"),
        form([("seed", "-1")], 422, "parameter-out-of-range"),
        form([("seed", "18446744073709551616")], 422, "parameter-out-of-range"),
        form([("prompt", String(repeating: "x", count: 65_537))], 422, "parameter-out-of-range", "65536"),
        form([("layers", "2"), ("layers", "2")], 400, "repeated-parameter"),
        form([("steps", "2"), ("num_inference_steps", "2")], 400, "repeated-parameter"),
        form([("caption_language", "en"), ("use_en_prompt", "1")], 400, "repeated-parameter"),
        query("?layers=2&layers=3", 400, "repeated-parameter"),
        query("?format=zip&format=zip", 400, "repeated-parameter"),
        query("?nonsense=1", 400, "unknown-parameter"), query("?layers=x", 422, "parameter-out-of-range"),
        query("?prompt=%0a", 400, "malformed-query"), query("?prompt=%", 400, "malformed-query"),
        query("?prompt=%ff", 400, "malformed-query"), query("?format=gif", 406, "not-acceptable", "multipart"),
        query("?format=psd&images=2", 422, "parameter-out-of-range", "zip"),
        BadRequest(
            name: "query and form",
            request: {
                ServiceFixture.form([("layers", "2")], image: try ServiceFixture.png(), query: "?layers=2")
            }, status: 400, code: "repeated-parameter"),
        BadRequest(
            name: "Accept",
            request: { ServiceFixture.form([], image: try ServiceFixture.png(), more: "Accept: text/html\r\n") },
            status: 406, code: "not-acceptable", detail: "application/zip"),
    ]

    static let pictures: [BadRequest] = [
        BadRequest(
            name: "no image", request: { ServiceFixture.form([], image: nil) }, status: 400, code: "missing-image"),
        BadRequest(
            name: "text instead of a file", request: { ServiceFixture.form([("image", "photo.jpg")], image: nil) },
            status: 415, code: "unsupported-picture", detail: "-F image=@photo.jpg"),
        BadRequest(
            name: "empty image", request: { ServiceFixture.form([], image: []) }, status: 400, code: "empty-picture"),
        body("no body", 400, "empty-body", "form field 'image'") { [] },
        body("text", 415, "unsupported-picture", "not a picture") { Array("hello".utf8) },
        body("gif", 415, "unsupported-picture", "GIF") { Array("GIF89a..........".utf8) },
        body("truncated", 422, "damaged-picture") { try Array(ServiceFixture.png().dropLast(20)) },
        body("too many pixels", 422, "picture-size", "10000") { try ServiceFixture.png(width: 101, height: 100) },
        body("text body", type: "text/plain", 415, "unsupported-media-type", "multipart/form-data") {
            Array("{}".utf8)
        },
        body("form type of curl", type: "application/x-www-form-urlencoded", 415, "unsupported-media-type") { [1] },
        body("no media type", type: "nonsense", 415, "unsupported-media-type", "nonsense") { [1] },
        body(
            "boundary without quotes", type: "multipart/form-data; boundary=a:b", 415, "unsupported-media-type", "a:b"
        ) { [1] },
        body("two boundaries", type: "multipart/form-data; boundary=a; boundary=b", 415, "unsupported-media-type") {
            [1]
        },
        body("two types", type: "image/png\r\nContent-Type: image/jpeg", 415, "unsupported-media-type", "there once") {
            try ServiceFixture.png()
        },
        body("compressed", type: "image/png\r\nContent-Encoding: gzip", 415, "unsupported-media-type", "gzip") {
            [0x1F, 0x8B]
        },
        body("JSON in UTF-16", type: "application/json; charset=utf-16", 415, "unsupported-media-type", "utf-16") {
            [1]
        },
        body("form in Latin 1", type: "multipart/form-data; boundary=x", 415, "unsupported-media-type", "iso-8859-1") {
            Array("--x\r\nContent-Disposition: form-data; name=\"_charset_\"\r\n\r\niso-8859-1\r\n--x--\r\n".utf8)
        },
        body("text in Latin 1", type: "multipart/form-data; boundary=x", 415, "unsupported-media-type", "iso-8859-1") {
            Array(
                ("--x\r\nContent-Disposition: form-data; name=\"prompt\"\r\nContent-Type: text/plain;"
                    + " charset=iso-8859-1\r\n\r\na\r\n--x--\r\n").utf8)
        },
        body("form without boundary", type: "multipart/form-data", 400, "malformed-form") { [1] },
        body("form cut off", type: "multipart/form-data; boundary=x", 400, "malformed-form") { Array("--x\r\n".utf8) },
        BadRequest(
            name: "unknown file",
            request: {
                let body = "--x\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n"
                let mask = "\r\n--x\r\nContent-Disposition: form-data; name=\"mask\"\r\n\r\n"
                return ServiceFixture.request(
                    more: "Content-Type: multipart/form-data; boundary=x\r\n",
                    body: Array(body.utf8) + (try ServiceFixture.png()) + Array(mask.utf8) + [0xFF]
                        + Array("\r\n--x--\r\n".utf8))
            }, status: 400, code: "unknown-parameter", detail: "'mask' is not a parameter"),
    ]
}

@Suite struct ServiceErrorTests {
    /// One line, the right status, and the service goes on.
    private func check(_ bad: BadRequest) throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        client.send(try bad.request())
        let answer = try client.readAnswer()
        #expect(answer.status == bad.status && answer.fields["content-type"] == "application/problem+json")
        let problem = try ServiceFixture.json(answer.body)
        #expect(problem["type"] as? String == "urn:mica:problem:\(bad.code)" && problem["status"] as? Int == bad.status)
        let detail = try #require(problem["detail"] as? String)
        #expect(detail.contains(bad.detail) && !detail.contains("\n") && !detail.isEmpty)
        let next = try fixture.client()
        next.send(ServiceFixture.form([], image: try ServiceFixture.png()))
        #expect(try next.readAnswer().status == 200)
        fixture.stop()
    }

    @Test(arguments: BadRequest.parameters) func refusesParameters(_ bad: BadRequest) throws { try check(bad) }

    /// What is to be sent is not the same everywhere.
    @Test(arguments: [
        ("/v1/layers", "the form field 'image'"), ("/v1/jobs", "the form field 'image'"),
        ("/v1/images/edits", "send multipart/form-data with a field 'image'"),
        ("/v1/recompose", "the form field 'file'"),
    ])
    func aMissingBodyIsAskedForInThePathsWords(path: String, words: String) throws {
        let fixture = try ServiceFixture()
        let answer = try fixture.client().ask("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        #expect(answer.status == 400 && answer.text.contains(words), "\(answer.text)")
        fixture.stop()
    }

    @Test(arguments: BadRequest.pictures) func refusesPictures(_ bad: BadRequest) throws { try check(bad) }

    @Test(arguments: [
        (PipelineError.noCaptioner, 422), (.model(file: "vae/config.json", problem: "is odd"), 500), (.cancelled, 409),
        (.tensor(.outOfMemory(operation: "linear", neededBytes: 9, usedBytes: 1, limitBytes: nil)), 503),
        (.parameterOutOfRange(name: "resolution", value: "2048", range: "64 to 1024"), 422),
    ])
    func reportsWhatTheEngineSays(error: PipelineError, status: Int) throws {
        let fixture = try ServiceFixture(FakeDecomposer(failure: error))
        let client = try fixture.client()
        for _ in 0..<2 {
            client.send(ServiceFixture.form([], image: try ServiceFixture.png()))
            let answer = try client.readAnswer()
            #expect(answer.status == status && (answer.fields["retry-after"] != nil) == (status == 503))
        }
        fixture.stop()
    }

    @Test(arguments: [
        ("GET / HTTP/1.0\n\n", 400), ("GET / HTTP/3.0\r\n\r\n", 505), ("GET /~9000 HTTP/1.1\r\n", 414),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: ~40000\r\n\r\n", 431),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", 413),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: nothing\r\n\r\n", 417),
    ])
    func mapsProtocolErrors(request: String, status: Int) throws {
        let fixture = try ServiceFixture()
        // "~9000" stands for so many letters.
        let long = request.replacing(/~([0-9]+)/) { String(repeating: "x", count: Int($0.1) ?? 0) }
        let answer = try fixture.client().ask(long)
        #expect(answer.status == status && answer.fields["content-type"] == "application/problem+json")
        #expect(answer.fields["connection"] == "close")
        fixture.stop()
    }

    /// What the transport refuses is answered as the path's errors are, and pages of other origins may read it.
    @Test(arguments: ["/v1/images/edits", "/v1/layers"], ["Content-Length: 5000", "Transfer-Encoding: chunked"])
    func bodiesThatAreTooLargeAreRefusedInThePathsForm(path: String, framing: String) throws {
        let fixture = try ServiceFixture(
            service: { $0.corsOrigins = ["https://a.example"] }, transport: { $0.limits.bodyBytes = 1000 })
        let answer = try fixture.client().ask(
            "POST \(path) HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\n"
                + "Content-Type: multipart/form-data; boundary=x\r\n\(framing)\r\n\r\n7d0\r\n")
        #expect(answer.status == 413)
        #expect(try OpenAPIChecker().problems(answer, "POST", path) == [])
        #expect((try ServiceFixture.json(answer.body)["error"] != nil) == (path == "/v1/images/edits"))
        #expect(answer.fields["access-control-allow-origin"] == "https://a.example")
        #expect(answer.fields["vary"]?.contains("Origin") == true)
        fixture.stop()
    }

    @Test(arguments: ["/v1/images/edits", "/v1/layers", "/v1/jobs", "/v1/plan", "/v1/recompose"])
    func unknownExpectationsAreRefusedInThePathsForm(path: String) throws {
        let fixture = try ServiceFixture()
        let answer = try fixture.client().ask(
            "POST \(path) HTTP/1.1\r\nHost: a\r\nExpect: more\r\nContent-Length: 1\r\n\r\n")
        #expect(answer.status == 417)
        #expect(try OpenAPIChecker().problems(answer, "POST", path) == [])
        #expect((try ServiceFixture.json(answer.body)["error"] != nil) == (path == "/v1/images/edits"))
        fixture.stop()
    }

    @Test(arguments: ["/v1/images/edits", "/v1/layers", "/v1/jobs", "/v1/plan", "/v1/recompose"])
    func slowBodiesAreRefusedInThePathsForm(path: String) throws {
        let fixture = try ServiceFixture(transport: { $0.bodyTimeoutSeconds = 0.1 })
        let answer = try fixture.client().ask(
            "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x\r\n"
                + "Content-Length: 9\r\n\r\n")
        #expect(answer.status == 408)
        #expect(try OpenAPIChecker().problems(answer, "POST", path) == [])
        #expect((try ServiceFixture.json(answer.body)["error"] != nil) == (path == "/v1/images/edits"))
        fixture.stop()
    }

    @Test(arguments: [(false, "", "http"), (true, "", "https"), (false, "X-Forwarded-Proto: https\r\n", "https")])
    func theHintNamesTheScheme(servesTLS: Bool, field: String, scheme: String) throws {
        let fixture = try ServiceFixture(service: { $0.servesTLS = servesTLS })
        let answer = try fixture.client().ask("GET / HTTP/1.1\r\nHost: here:81\r\n\(field)\r\n")
        #expect(answer.text.contains("'\(scheme)://here:81/v1/layers"))
        fixture.stop()
    }

    @Test(
        arguments: [
            ("GET /healthz", 200, nil), ("HEAD /healthz", 200, nil), ("GET /", 200, nil),
            ("GET /openapi.yaml", 200, nil),
            ("OPTIONS /v1/layers", 204, "POST, OPTIONS"), ("OPTIONS *", 204, "GET, HEAD, OPTIONS, POST, DELETE"),
            ("POST /healthz", 405, "GET, HEAD, OPTIONS"), ("GET /v1/layers", 405, "POST, OPTIONS"),
            ("HEAD /v1/layers", 405, "POST, OPTIONS"), ("BREW /healthz", 405, "GET, HEAD, OPTIONS"),
            ("GET /v1", 404, nil),
            ("OPTIONS /nothing", 404, nil), ("GET /healthz/", 404, nil), ("GET //healthz", 404, nil),
            ("GET /%68ealthz", 200, nil), ("GET /healthz%00", 404, nil), ("GET /v1%2Flayers", 404, nil),
            ("GET http://elsewhere/healthz", 200, nil), ("get /healthz", 405, "GET, HEAD, OPTIONS"),
        ] as [(String, Int, String?)])
    func routes(request: String, status: Int, allow: String?) throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        let answer = try client.ask("\(request) HTTP/1.1\r\nHost: here:81\r\n\r\n")
        #expect(answer.status == status && answer.fields["allow"] == allow)
        if request.hasSuffix("/healthz"), status == 200, request.hasPrefix("GET") {
            #expect(try ServiceFixture.json(answer.body) as? [String: String] == ["status": "ok", "model": "fake"])
        }
        if request == "GET /" { #expect(answer.text.contains("curl -F image=@photo.jpg 'http://here:81/v1/layers")) }
        // The connection goes on.
        #expect(try client.ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        fixture.stop()
    }
}
