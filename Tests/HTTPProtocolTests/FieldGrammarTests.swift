import HTTPProtocol
import Testing

@Suite struct FieldGrammarTests {
    private func fields(_ lines: [String]) throws -> HeaderFields {
        var parser = RequestParser()
        let text = "GET / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
        parser.receive(Array(text.utf8)[...])
        guard case .head(let head) = try parser.next() else { return HeaderFields() }
        return head.fields
    }

    private static let offers = [
        "multipart/form-data", "application/zip", "image/vnd.adobe.photoshop", "application/json",
    ]

    @Test(
        arguments: [
            ([], "multipart/form-data"), (["*/*"], "multipart/form-data"), (["application/zip"], "application/zip"),
            (["APPLICATION/Zip ; q=0.3"], "application/zip"), (["application/*"], "application/zip"),
            (["application/json, application/zip"], "application/zip"),
            (["application/json;q=1, application/zip;q=0.9"], "application/json"),
            (["application/json;q=0.001", "*/*;q=0"], "application/json"),
            (["*/*, multipart/form-data;q=0"], "application/zip"),
            (["*/*;q=0.5, application/json"], "application/json"),
            (["text/html"], nil), (["application/zip;q=0"], nil), (["*/*;q=0.000"], nil),
            (["text/html, */*;q=0.8"], "multipart/form-data"), (["text/html;x=\",application/zip\""], nil),
            ([""], "multipart/form-data"), (["nonsense"], "multipart/form-data"),
            (["application/zip;q=2"], "multipart/form-data"), (["application/zip;q=1.001"], "multipart/form-data"),
            ([", ,application/zip"], "application/zip"),
        ] as [([String], String?)])
    func choosesByAccept(values: [String], expected: String?) throws {
        let accept = AcceptField(try fields(values.map { "Accept: \($0)" }))
        #expect(accept.best(of: Self.offers) == expected)
    }

    @Test func readsMediaTypes() throws {
        let plain = try #require(MediaType("Image/PNG"))
        #expect(plain.essence == "image/png" && plain.parameters.isEmpty)
        let form = try #require(MediaType("multipart/form-data ; Boundary=\"a b\\\"c\"; charset=utf-8"))
        #expect(form.parameter("boundary") == "a b\"c" && form.parameter("charset") == "utf-8")
        for bad in ["", "image", "image/", "/png", "image png", "a/b;c", "a/b; c=", "a/b; c=\"x", "a/b, c/d", "a/b c"] {
            #expect(MediaType(bad) == nil, "\(bad)")
        }
    }

    @Test(arguments: [
        ("a=1&b=x+y%20z&c", [["a", "1"], ["b", "x y z"], ["c", ""]]), ("", []), ("&&", []), ("=v", [["", "v"]]),
        ("a=b=c", [["a", "b=c"]]), ("%61=%C3%BC", [["a", "ü"]]), ("a=1&a=2", [["a", "1"], ["a", "2"]]),
    ])
    func readsQueries(query: String, expected: [[String]]) throws {
        let pairs = try PercentDecoder.parameters(of: Array(query.utf8))
        #expect(pairs.map { [$0.name, $0.value] } == expected)
    }

    @Test(arguments: [
        ("a=%", PercentDecoder.Failure.incompleteEscape), ("a=%4", .incompleteEscape), ("a=%zz", .incompleteEscape),
        ("a=%+1", .incompleteEscape), ("a=%00", .forbiddenByte), ("%0d=1", .forbiddenByte), ("a=x%0Ay", .forbiddenByte),
        ("a=%FF", .notUTF8), ("a=%C0%80", .notUTF8), ("a=%ED%A0%80", .notUTF8),
        (String(repeating: "a&", count: 65), .tooManyParameters(limit: 64)),
    ])
    func refusesQueries(query: String, expected: PercentDecoder.Failure) {
        #expect(throws: expected) { try PercentDecoder.parameters(of: Array(query.utf8)) }
    }

    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"),
        (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 GMT"),
    ])
    func writesDates(seconds: Int, expected: String) {
        #expect(HTTPDate.text(secondsSince1970: seconds) == expected)
    }

    @Test(arguments: [
        (0, [1970, 1, 1]), (-1, [1969, 12, 31]), (11_016, [2000, 2, 29]), (11_017, [2000, 3, 1]),
        (-719_468, [0, 3, 1]), (-719_469, [0, 2, 29]), (-719_529, [-1, 12, 31]), (2_932_896, [9999, 12, 31]),
    ])
    func findsDates(day: Int, expected: [Int]) {
        let date = CivilDate.of(daysSince1970: day)
        #expect([date.year, date.month, date.day] == expected)
    }
}
