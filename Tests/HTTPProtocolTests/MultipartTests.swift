import HTTPProtocol
import Testing

/// A body that is no form, and why.
struct RefusedForm: Sendable, CustomTestStringConvertible {
    let body: String
    let reason: MultipartError

    init(_ body: String, _ reason: MultipartError) {
        self.body = body
        self.reason = reason
    }

    var testDescription: String { String(body.prefix(80)).debugDescription }

    private static let disposition = "Content-Disposition: form-data; name=\"a\"\r\n"

    static let all: [RefusedForm] = [
        .init("", .noDelimiter), .init("--XY\r\n", .noDelimiter), .init("x--XX\r\n", .noDelimiter),
        .init("--XX", .truncated),
        .init("--XX\r", .truncated), .init("--XX\r\n", .truncated), .init("--XXY\r\n", .invalidDelimiter),
        .init("--XX\n", .invalidDelimiter),
        .init("--XX-\r\n", .invalidDelimiter), .init("--XX\r\n\(disposition)\r\nv", .truncated),
        .init("--XX\r\n\(disposition)\r\nv\n--XX--", .truncated),
        .init("--XX\r\n\(disposition)\r\nv\r\n--XX", .truncated),
        .init("--XX\r\n\r\nv\r\n--XX--", .missingName),
        .init("--XX\r\nContent-Type: a/b\r\n\r\nv\r\n--XX--", .missingName),
        .init("--XX\r\nContent-Disposition: form-data\r\n\r\nv\r\n--XX--", .missingName),
        .init("--XX\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nv\r\n--XX--", .missingName),
        .init("--XX\r\nContent-Disposition: form-data; name=\"a\"; name=\"b\"\r\n\r\nv\r\n--XX--", .missingName),
        .init("--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\nv\r\n--XX--", .missingName),
        .init("--XX\r\n\(disposition)\(disposition)\r\nv\r\n--XX--", .missingName),
        .init("--XX\r\nno field\r\n\r\nv\r\n--XX--", .invalidPartHeader),
        .init("--XX\r\n\(disposition) folded\r\n\r\nv\r\n--XX--", .invalidPartHeader),
        .init("--XX\r\nContent-Disposition: form-data; name=\"a\"\n\r\nv\r\n--XX--", .invalidPartHeader),
        .init("--XX\r\n\(disposition)Content-Transfer-Encoding: base64\r\n\r\nv\r\n--XX--", .encodedPart),
        .init(
            "--XX\r\nX: \(String(repeating: "x", count: 9000))\r\n\(disposition)\r\nv\r\n--XX--",
            .partHeaderTooLarge(limitBytes: 8192)
        ),
        .init(
            "--XX\r\n\(String(repeating: "X: y\r\n", count: 40))\(disposition)\r\nv\r\n--XX--",
            .partHeaderTooLarge(limitBytes: 8192)
        ),
        .init(
            String(repeating: "--XX\r\n\(disposition)\r\nv\r\n", count: 65) + "--XX--", .tooManyParts(limit: 64)
        ),
    ]
}

@Suite struct MultipartTests {
    private static let form = MediaType("multipart/form-data; boundary=XX")

    private func parse(_ text: String, type: MediaType? = form) throws -> [MultipartPart] {
        try MultipartParser.parse(Array(text.utf8)[...], mediaType: try #require(type))
    }

    private static let disposition = "Content-Disposition: form-data; name=\"a\"\r\n"

    @Test(arguments: [
        ("--XX--", []), ("--XX--\r\n", []), ("--XX\r\n\(disposition)\r\nv\r\n--XX--", ["v"]),
        ("preamble\r\n--XX\r\n\(disposition)\r\nv\r\n--XX--\r\nepilogue", ["v"]),
        ("--XX \t\r\n\(disposition)\r\nv\r\n--XX--", ["v"]), ("--XX\r\n\(disposition)\r\n\r\n--XX--", [""]),
        ("--XX\r\n\(disposition)\r\n--XX--", [""]),
        ("--XX\r\n\(disposition)\r\n\r\n--X\r\r\n-\r\n\r\n--XX--", ["\r\n--X\r\r\n-\r\n"]),
        ("--XX\r\n\(disposition)\r\n1\r\n--XX\r\n\(disposition)\r\n2\r\n--XX--", ["1", "2"]),
        ("--XX\r\n\(disposition)\r\nx--XX\r\n--XX--", ["x--XX"]),
        ("--XX\r\nX-Other: 1\r\n\(disposition)Content-Transfer-Encoding: binary\r\n\r\nv\r\n--XX--", ["v"]),
    ])
    func readsContents(body: String, contents: [String]) throws {
        #expect(try parse(body).map { String(decoding: $0.content, as: UTF8.self) } == contents)
    }

    @Test(
        arguments: [
            ("name=\"image\"; filename=\"a b.png\"", "image", "a b.png"),
            ("name=image; filename=a.png", "image", "a.png"),
            ("name=\"a\\\"b\"; filename=\"C:\\dir\\x.png\"", "a\"b", "C:\\dir\\x.png"), ("name=\"a%22b\"", "a\"b", nil),
            ("name=\"a;b\"; filename=\"\"", "a;b", ""), ("NAME=\"a\"; filename*=UTF-8''x; filename=\"ü\"", "a", "ü"),
            ("filename=\"f\"; name=\"\"", "", "f"), ("name=\"a\" ;", "a", nil),
        ] as [(String, String, String?)])
    func readsNames(parameters: String, name: String, fileName: String?) throws {
        let disposition = "Content-Disposition: form-data; \(parameters)"
        let body = "--XX\r\n\(disposition)\r\nContent-Type: image/png\r\n\r\nv\r\n--XX--"
        let part = try #require(try parse(body).first)
        #expect(part.name == name && part.fileName == fileName && part.mediaType?.essence == "image/png")
    }

    @Test(arguments: RefusedForm.all)
    func refuses(_ form: RefusedForm) {
        #expect(throws: form.reason) { try parse(form.body) }
        #expect(!form.reason.description.isEmpty)
    }

    @Test(arguments: [
        "multipart/form-data", "multipart/form-data; boundary=\"\"", "multipart/form-data; boundary=\"a@b\"",
        "multipart/form-data; boundary=\"a \"", "multipart/form-data; boundary=\(String(repeating: "x", count: 71))",
    ])
    func refusesBoundaries(type: String) {
        #expect(throws: MultipartError.invalidBoundary) { try parse("--XX--", type: MediaType(type)) }
    }

    @Test func readsWhatItWrites() throws {
        let boundary = String(decoding: MultipartWriter.boundaryAlphabet.prefix(40), as: UTF8.self)
        var writer = MultipartWriter(boundary: boundary)
        let contents: [[UInt8]] = [
            Array("{}".utf8), [], Array("\r\n--\(boundary.dropLast())\r\n".utf8), [0, 255, 13, 10],
        ]
        for (index, content) in contents.enumerated() {
            writer.add(
                name: "part \(index)", fileName: index == 0 ? nil : "\(index).bin",
                contentType: "application/x-\(index)",
                content: content)
        }
        let body = writer.finished().flatMap { $0 }
        let parts = try MultipartParser.parse(body[...], mediaType: try #require(MediaType(writer.contentType)))
        #expect(parts.map { Array($0.content) } == contents)
        #expect(parts.map(\.fileName) == [nil, "1.bin", "2.bin", "3.bin"])
        #expect(parts.map { $0.mediaType?.subtype } == ["x-0", "x-1", "x-2", "x-3"])
        // Cut anywhere, the body is refused, or has lost only what follows its closing delimiter.
        for length in 0..<(body.count - 2) {
            #expect(throws: MultipartError.self) {
                try MultipartParser.parse(body[..<length], mediaType: try #require(MediaType(writer.contentType)))
            }
        }
    }

    @Test func survivesMutations() throws {
        var generator = SeededGenerator(seed: 7578)
        let sample = Array("--XX\r\n\(Self.disposition)\r\nv\r\n--XX\r\n\(Self.disposition)\r\nw\r\n--XX--\r\n".utf8)
        let type = try #require(Self.form)
        for _ in 0..<500 {
            var bytes = sample
            for _ in 0..<Int.random(in: 1...5, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1:
                    bytes.insert(
                        contentsOf: "\r\n--XX".utf8.prefix(Int.random(in: 1...6, using: &generator)), at: place)
                default: bytes.remove(at: place)
                }
            }
            if let parts = try? MultipartParser.parse(bytes[...], mediaType: type) { #expect(parts.count < 10) }
        }
    }
}
