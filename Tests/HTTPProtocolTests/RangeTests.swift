import HTTPProtocol
import Testing

/// Parts of answers, and answers under conditions (RFC 9110 sections 13 and 14).
@Suite struct RangeTests {
    private static func head(_ lines: [String], method: String = "GET") throws -> RequestHead {
        var parser = RequestParser()
        let text = "\(method) / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
        parser.receive(Array(text.utf8)[...])
        guard case .head(let head) = try parser.next() else { throw RequestError.malformedRequestLine }
        return head
    }

    private static func range(_ value: String) throws -> RangeField? {
        RangeField(try head(["Range: \(value)"]).fields)
    }

    @Test(
        arguments: [
            ("bytes=0-", .part(0..<100)), ("bytes=0-0", .part(0..<1)), ("bytes=99-", .part(99..<100)),
            ("bytes=10-19", .part(10..<20)), ("bytes=10-1000", .part(10..<100)), ("BYTES=1-2", .part(1..<3)),
            ("bytes=-1", .part(99..<100)), ("bytes=-100", .part(0..<100)), ("bytes=-1000", .part(0..<100)),
            ("bytes=0-99999999999999999999999999", .part(0..<100)),
            ("bytes=-99999999999999999999999999", .part(0..<100)),
            ("bytes=9223372036854775807-9223372036854775807", .unsatisfiable),
            ("bytes=99999999999999999999999999-", .unsatisfiable), ("bytes=100-", .unsatisfiable),
            ("bytes=100-200", .unsatisfiable), ("bytes=-0", .unsatisfiable), ("bytes=200-,-0", .unsatisfiable),
            ("bytes=0-4,5-9", .part(0..<10)), ("bytes=5-9 ,\t0-4", .part(0..<10)), ("bytes=0-9,3-5", .part(0..<10)),
            ("bytes=0-4,200-", .part(0..<5)), ("bytes=,0-4,,", .part(0..<5)), ("bytes= 0-4", .part(0..<5)),
            ("bytes=0-4,6-9", .whole), ("bytes=0-0,-1", .whole),
            ("bytes=" + Array(repeating: "0-1", count: 16).joined(separator: ","), .part(0..<2)),
        ] as [(String, RangeField.Answer)])
    func reads(_ value: String, _ expected: RangeField.Answer) throws {
        #expect(try #require(try Self.range(value)).answer(byteCount: 100) == expected)
    }

    @Test(arguments: [
        "", "bytes", "bytes=", "bytes=,", "bytes 0-4", "bytes=a-", "bytes=0", "bytes=-", "bytes=--1", "bytes=4-3",
        "bytes=0-4-5", "bytes=0 -4", "bytes=0- 4", "bytes=0-4;1-2", "bytes=0-4 5-6", "bytes=+1-2", "bytes=0x1-2",
        "bytes =0-4", "items=0-4", "=0-4", "bytes=0-4,x", "bytes=0-4,3-2", "none",
        "bytes=" + Array(repeating: "0-1", count: 17).joined(separator: ","),
    ])
    func ignores(_ value: String) throws {
        #expect(try Self.range(value) == nil)
    }

    @Test func twoFieldsAreNone() throws {
        #expect(RangeField(try Self.head(["Range: bytes=0-1", "Range: bytes=2-3"]).fields) == nil)
        #expect(RangeField(try Self.head([]).fields) == nil)
    }

    /// Of nothing, nothing can be had; and that its end is asked for is no mistake.
    @Test func nothing() throws {
        #expect(try Self.range("bytes=0-")?.answer(byteCount: 0) == .unsatisfiable)
        #expect(try Self.range("bytes=-5")?.answer(byteCount: 0) == .whole)
    }

    @Test(
        arguments: [
            (["If-None-Match: \"ab-12\""], "\"ab-12\""), (["If-None-Match: \"x\", W/\"ab-7\", \"ab-8\""], "\"ab-7\""),
            (["If-None-Match: \"x\"", "If-None-Match: \"ab-1\""], "\"ab-1\""), ([], nil), (["If-None-Match: *"], nil),
            (["If-None-Match: \"ab-\""], nil), (["If-None-Match: \"ab-01\""], nil), (["If-None-Match: \"ab-1x\""], nil),
            (["If-None-Match: \"xab-1\""], nil), (["If-None-Match: ab-1"], nil), (["If-Match: \"ab-1\""], nil),
            (["If-None-Match: \"ab-1\"", "If-Match: *"], nil),
            (["If-None-Match: \"ab-1\"", "If-Unmodified-Since: x"], nil),
        ] as [([String], String?)])
    func knownTags(_ lines: [String], _ expected: String?) throws {
        #expect(try Self.head(lines).knownTag(beginning: "ab-") == expected)
        #expect(try Self.head(lines, method: "DELETE").knownTag(beginning: "ab-") == nil)
    }

    /// Whatever comes: no answer leaves what there is.
    @Test func mutatedFields() throws {
        var generator = SeededGenerator(seed: 14)
        let seeds = ["bytes=0-4,10-19", "bytes=-5", "bytes=18446744073709551615-", "bytes=3-, ,-0,7-8"].map {
            Array($0.utf8)
        }
        let alphabet = Array("bytes=-,0123456789 \t\"*/x".utf8)
        for round in 0..<4000 {
            var text = seeds[round % seeds.count]
            for _ in 0...Int.random(in: 0..<3, using: &generator) where !text.isEmpty {
                let place = Int.random(in: 0..<text.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: text[place] = alphabet.randomElement(using: &generator) ?? 0
                case 1: text.insert(alphabet.randomElement(using: &generator) ?? 0, at: place)
                default: text.removeSubrange(place...)
                }
            }
            let value = String(decoding: text, as: UTF8.self)
            for byteCount in [0, 1, 20, Int.max] {
                guard case .part(let range)? = try Self.range(value)?.answer(byteCount: byteCount) else { continue }
                #expect(!range.isEmpty && range.lowerBound >= 0 && range.upperBound <= byteCount, "\(value)")
            }
        }
    }

    // MARK: Conditions

    private static let tag = "\"a\\b\""
    /// Sun, 06 Nov 1994 08:49:37 GMT
    private static let time = 784_111_777
    private static let then = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let before = "Sun, 06 Nov 1994 08:49:36 GMT"
    private static let after = "Sunday, 06-Nov-94 08:49:38 GMT"

    @Test(
        arguments: [
            ([], .whole), (["If-Match: *"], .whole), (["If-Match: \(tag)"], .whole),
            (["If-Match: \"x\\\", \(tag)"], .whole), (["If-Match: \"x\"", "If-Match: \(tag)"], .whole),
            (["If-Match: W/\(tag)"], .preconditionFailed), (["If-Match: \"x\""], .preconditionFailed),
            (["If-Match: a\\b"], .preconditionFailed), (["If-Match:"], .preconditionFailed),
            (["If-None-Match: *"], .notModified), (["If-None-Match: \(tag)"], .notModified),
            (["If-None-Match: \"x\" , W/\(tag)"], .notModified), (["If-None-Match: \"x\""], .whole),
            (["If-None-Match: \(tag.dropLast())"], .whole), (["If-None-Match: **"], .whole),
            (["If-Unmodified-Since: \(then)"], .whole), (["If-Unmodified-Since: \(after)"], .whole),
            (["If-Unmodified-Since: \(before)"], .preconditionFailed),
            (["If-Unmodified-Since: yesterday"], .whole),
            (["If-Modified-Since: \(then)"], .notModified), (["If-Modified-Since: \(after)"], .notModified),
            (["If-Modified-Since: \(before)"], .whole), (["If-Modified-Since: \(then)x"], .whole),
            // The order of section 13.2.2.
            (["If-Match: \(tag)", "If-Unmodified-Since: \(before)"], .whole),
            (["If-Match: \"x\"", "If-None-Match: \(tag)"], .preconditionFailed),
            (["If-Match: \(tag)", "If-None-Match: \(tag)", "Range: bytes=0-1"], .notModified),
            (["If-None-Match: \"x\"", "If-Modified-Since: \(then)"], .whole),
            (["If-Match: \"x\"", "Range: bytes=500-"], .preconditionFailed),
            (["If-Match: \(tag)", "Range: bytes=0-1"], .part(0..<2)),
            (["Range: bytes=500-"], .unsatisfiable), (["Range: bytes=0-1,5-6"], .whole),
            (["Range: bytes=5-", "If-Range: \(tag)"], .part(5..<100)),
            (["Range: bytes=5-", "If-Range: W/\(tag)"], .whole), (["Range: bytes=5-", "If-Range: \"x\""], .whole),
            (["Range: bytes=500-", "If-Range: \"x\""], .whole),
            (["Range: bytes=5-", "If-Range: \(then)"], .part(5..<100)),
            (["Range: bytes=5-", "If-Range: \(after)"], .whole), (["Range: bytes=5-", "If-Range: x"], .whole),
            (["Range: bytes=5-", "If-Range: \(tag)", "If-Range: \(tag)"], .whole),
        ] as [([String], Selection)])
    func selects(_ lines: [String], _ expected: Selection) throws {
        let head = try Self.head(lines)
        #expect(
            Selection(head, entityTag: Self.tag, lastModified: Self.time, byteCount: 100) == expected, "\(lines)")
    }

    /// What has no time of its last change is under none of these conditions, and is not what has one.
    @Test(arguments: [
        ["If-Unmodified-Since: \(before)"], ["If-Modified-Since: \(then)"], ["Range: bytes=5-", "If-Range: \(then)"],
    ])
    func untimed(_ lines: [String]) throws {
        let head = try Self.head(lines)
        #expect(Selection(head, entityTag: Self.tag, lastModified: nil, byteCount: 100) == .whole)
    }

    /// Section 14.2: a range is of GET alone.
    @Test func headHasNoRange() throws {
        for (lines, expected) in [
            (["Range: bytes=0-1"], Selection.whole), (["Range: bytes=500-"], .whole),
            (["If-None-Match: *", "Range: bytes=0-1"], .notModified), (["If-Match: \"x\""], .preconditionFailed),
        ] {
            let head = try Self.head(lines, method: "HEAD")
            #expect(Selection(head, entityTag: Self.tag, lastModified: nil, byteCount: 100) == expected)
        }
    }

    // MARK: Dates

    @Test(arguments: [
        (then, time), ("Sunday, 06-Nov-94 08:49:37 GMT", time), ("Sun Nov  6 08:49:37 1994", time),
        ("Sun Nov 16 08:49:37 1994", time + 864_000), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Wednesday, 31-Dec-69 23:59:59 GMT", 3_155_759_999), ("Tue, 29 Feb 2000 23:59:60 GMT", 951_868_800),
    ])
    func readsDates(_ text: String, _ expected: Int) {
        #expect(HTTPDate.seconds(Array(text.utf8)[...]) == expected)
    }

    @Test(arguments: [
        "", " ", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37", "Sun, 30 Feb 2000 08:49:37 GMT",
        "Sun, 29 Feb 1900 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 08:49 GMT", "Foo, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT", "Sun Nov 6 08:49:37 94x", "784111777", "-1",
        "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
    ])
    func refusesDates(_ text: String) {
        #expect(HTTPDate.seconds(Array(text.utf8)[...]) == nil)
    }

    /// What is written is read back, and no beginning of it is a date.
    @Test func datesThereAndBack() {
        for seconds in stride(from: 0, to: 250_000_000_000, by: 777_777_777) {
            let text = Array(HTTPDate.text(secondsSince1970: seconds).utf8)
            #expect(HTTPDate.seconds(text[...]) == seconds)
            guard seconds < 9_000_000_000 else { continue }
            for end in text.indices { #expect(HTTPDate.seconds(text[..<end]) == nil) }
        }
    }

    // MARK: Bodies

    private struct Source: BodySource {
        let all: [UInt8]
        var byteCount: Int { all.count }
        var heldByteCount: Int { 7 }
        func bytes(_ range: Range<Int>) -> [UInt8] { Array(all[range]) }
    }

    /// Every range of a body in pieces and a source.
    @Test func partsOfBodies() throws {
        let pieces: [[UInt8]] = [[0, 1, 2], [], [3], [4, 5]]
        for tail in [[UInt8](), [6, 7, 8, 9]] {
            let all = pieces.flatMap { $0 } + tail
            for start in 0..<all.count {
                for end in start + 1...all.count {
                    var response = Response(status: 206, body: pieces)
                    response.source = tail.isEmpty ? nil : Source(all: tail)
                    response.keep(start..<end)
                    #expect(response.bodyByteCount == end - start)
                    let held = response.body.reduce(0) { $0 + $1.count }
                    #expect(response.heldByteCount == held + (end > 6 ? 7 : 0))
                    let rest = try response.source.map { try $0.bytes(0..<$0.byteCount) } ?? []
                    #expect(response.body.flatMap { $0 } + rest == Array(all[start..<end]))
                }
            }
        }
    }
}
