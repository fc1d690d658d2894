import Foundation
import ServiceAPI
import Testing

/// Results that are fetched in parts, or again.
@Suite struct DownloadTests {
    private let checker: OpenAPIChecker

    init() throws { checker = try OpenAPIChecker() }

    private static let forms: [(path: String, template: String)] = [
        ("layers.psd", "layers.psd"), ("layers.psd?group=false", "layers.psd"), ("layers.zip", "layers.zip"),
        ("layers.zip?layer_format=webp", "layers.zip"), ("layers/1.png", "layers/{n}.png"),
        ("layers/1.png?metadata=false", "layers/{n}.png"), ("manifest", "manifest"), ("result", "result"),
        ("result?format=mixed", "result"), ("result?format=zip", "result"), ("result?format=ora", "result"),
        ("result?format=json", "result"), ("result?format=sheet", "result"),
    ]

    private func ask(
        _ client: TestClient, _ path: String, _ template: String, _ lines: [String], method: String = "GET"
    ) throws -> TestClient.Answer {
        let fields = lines.map { $0 + "\r\n" }.joined()
        client.send("\(method) \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
        let answer = try client.readAnswer(toHead: method == "HEAD")
        if method == "GET" {
            let problems = checker.problems(answer, "GET", "/v1/jobs/{id}/\(template)")
            #expect(problems.isEmpty, "\(problems)")
        }
        return answer
    }

    private func job(_ client: TestClient) throws -> String {
        client.send(ServiceFixture.form([("layers", "2")], image: try ServiceFixture.png(), path: "/v1/jobs"))
        let job = try #require(try client.readAnswer().fields["location"])
        #expect(eventually { (try? client.ask("GET \(job)/manifest HTTP/1.1\r\nHost: a\r\n\r\n").status) == 200 })
        return job
    }

    /// Every form is the same each time, has a name of its own, and goes on where it broke.
    @Test func everyFormGoesOn() throws {
        let fixture = try ServiceFixture(keepsJobs: true)
        defer { fixture.stop() }
        let client = try fixture.client()
        let job = try job(client)
        var tags: Set<String> = []
        for (form, template) in Self.forms {
            let path = "\(job)/\(form)"
            let whole = try ask(client, path, template, [])
            let count = whole.body.count
            let tag = try #require(whole.fields["etag"])
            #expect(whole.status == 200 && whole.fields["accept-ranges"] == "bytes", "\(path)")
            #expect(tags.insert(tag).inserted, "\(path)")
            for start in [0, 1, count / 2, count - 1] {
                let part = try ask(client, path, template, ["Range: bytes=\(start)-", "If-Range: \(tag)"])
                #expect(part.status == 206 && part.body == Array(whole.body[start...]), "\(path) from \(start)")
                #expect(part.fields["content-range"] == "bytes \(start)-\(count - 1)/\(count)")
                #expect(part.fields["etag"] == tag && part.fields["last-modified"] == whole.fields["last-modified"])
                #expect(part.fields["content-type"] == whole.fields["content-type"])
            }
            let middle = try ask(client, path, template, ["Range: bytes=2-4"])
            #expect(middle.status == 206 && middle.body == Array(whole.body[2...4]))
            #expect(try ask(client, path, template, ["Range: bytes=0-1,5-6"]).body == whole.body)
            #expect(try ask(client, path, template, ["Range: bytes=2-", "If-Range: \"x\""]).body == whole.body)
            let behind = try ask(client, path, template, ["Range: bytes=\(count)-"])
            #expect(behind.status == 416 && behind.fields["content-range"] == "bytes */\(count)")
            #expect(behind.fields["content-type"] == "application/problem+json" && behind.fields["etag"] == nil)
        }
    }

    @Test func conditions() throws {
        let fixture = try ServiceFixture(keepsJobs: true)
        defer { fixture.stop() }
        let client = try fixture.client()
        let job = try job(client)
        let (path, template) = ("\(job)/layers.psd", "layers.psd")
        let whole = try ask(client, path, template, [])
        let tag = try #require(whole.fields["etag"])
        let time = try #require(whole.fields["last-modified"])
        for line in ["If-None-Match: W/\(tag)", "If-None-Match: *", "If-Modified-Since: \(time)"] {
            let known = try ask(client, path, template, [line, "Range: bytes=1-"])
            #expect(known.status == 304 && known.body.isEmpty && known.fields["etag"] == tag, "\(line)")
            #expect(known.fields["content-type"] == nil && known.fields["content-length"] == nil)
            #expect(known.fields["last-modified"] == time && known.fields["cache-control"] == "no-store")
        }
        for line in ["If-Match: \"x\"", "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT"] {
            let refused = try ask(client, path, template, [line])
            #expect(refused.status == 412 && refused.text.contains("urn:mica:problem:precondition-failed"))
        }
        #expect(try ask(client, path, template, ["If-Match: \(tag)", "If-Unmodified-Since: \(time)"]).status == 200)
        // A range is of GET alone; the length is that of all.
        let head = try ask(client, path, template, ["Range: bytes=1-"], method: "HEAD")
        #expect(head.status == 200 && head.fields["content-length"] == "\(whole.body.count)")
        #expect(head.fields["accept-ranges"] == "bytes" && head.fields["etag"] == tag)
        #expect(try ask(client, path, template, ["If-None-Match: \(tag)"], method: "HEAD").status == 304)
        // Conditions are of what is there: what is not is not found, and what has no tag has none.
        let gone = try ask(client, "\(job)/layers/99.png", "layers/{n}.png", ["If-Match: \"x\"", "Range: bytes=0-"])
        #expect(gone.status == 404)
        let state = try client.ask("GET \(job) HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\nIf-None-Match: *\r\n\r\n")
        #expect(state.status == 200 && state.fields["etag"] == nil && state.fields["accept-ranges"] == nil)
    }

    /// Who has a form is told so without one being made.
    @Test func whatTheClientHasIsNotMade() throws {
        let folder = try ScratchFolder()
        let fixture = try ServiceFixture(keepsJobs: true, folder: folder)
        defer { fixture.stop() }
        let client = try fixture.client()
        let job = try job(client)
        let forms = Self.forms.filter { ["ora", "sheet", "webp", "false", "zip"].contains(where: $0.path.hasSuffix) }
        let made = try forms.map { try ask(client, "\(job)/\($0.path)", $0.template, []) }
        #expect(forms.count > 5 && made.allSatisfy { $0.status == 200 })
        // From now on nothing can be made: what it would be made of is broken.
        let results = "\(folder.path)/results"
        for name in try FileManager.default.contentsOfDirectory(atPath: results) {
            let file = URL(fileURLWithPath: "\(results)/\(name)")
            try Data(count: try Data(contentsOf: file).count).write(to: file)
        }
        for ((form, template), whole) in zip(forms, made) {
            let path = "\(job)/\(form)"
            let tag = try #require(whole.fields["etag"])
            for method in ["GET", "HEAD"] {
                let known = try ask(client, path, template, ["If-None-Match: \"x\", W/\(tag)"], method: method)
                #expect(known.status == 304 && known.body.isEmpty && known.fields["etag"] == tag, "\(path)")
                for field in ["last-modified", "vary", "cache-control"] {
                    #expect(known.fields[field] == whole.fields[field], "\(path): \(field)")
                }
            }
            let others = [
                "If-None-Match: *", "If-None-Match: \(tag.dropLast(2))x\"", "If-None-Match: \"x\"",
                "If-None-Match: \(tag)\r\nIf-Match: \(tag)",
            ]
            for line in others {
                #expect(try ask(client, path, template, [line]).status >= 500, "\(path) with \(line)")
            }
        }
        let tags = made.compactMap { $0.fields["etag"] }.joined(separator: ", ")
        #expect(try ask(client, "\(job)/result?format=psb", "result", ["If-None-Match: \(tags)"]).status >= 500)
    }

    /// Another job's result has another name, and a result's name depends on the form that `Accept` asks for.
    @Test func tagsTellApart() throws {
        let fixture = try ServiceFixture(keepsJobs: true)
        defer { fixture.stop() }
        let client = try fixture.client()
        var tags: Set<String> = []
        for job in try (0..<2).map({ _ in try job(client) }) {
            for accept in ["application/zip", "image/vnd.adobe.photoshop", "multipart/mixed"] {
                let answer = try ask(client, "\(job)/result", "result", ["Accept: \(accept)"])
                #expect(answer.fields["vary"] == "Accept")
                tags.insert(try #require(answer.fields["etag"]))
            }
        }
        #expect(tags.count == 6)
    }

    /// The page's files have tags too.
    @Test func partsOfThePage() throws {
        let fixture = try ServiceFixture()
        defer { fixture.stop() }
        let client = try fixture.client()
        let answer = try client.ask("GET /page.js HTTP/1.1\r\nHost: a\r\nRange: bytes=3-9\r\n\r\n")
        #expect(answer.status == 206 && answer.body == WebPage.resource(at: "/page.js").map { Array($0.bytes[3...9]) })
        #expect(checker.problems(answer, "GET", "/page.js") == [])
    }

    @Test func otherOriginsMaySee() throws {
        let fixture = try ServiceFixture(keepsJobs: true, service: { $0.corsOrigins = ["https://a.example"] })
        defer { fixture.stop() }
        let client = try fixture.client()
        let job = try job(client)
        let part = try ask(
            client, "\(job)/layers.psd", "layers.psd", ["Origin: https://a.example", "Range: bytes=0-1"])
        let exposed = try #require(part.fields["access-control-expose-headers"])
        for name in ["ETag", "Accept-Ranges", "Content-Range"] { #expect(exposed.contains(name)) }
        let asked = try client.ask(
            "OPTIONS \(job)/layers.psd HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\n"
                + "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: range, if-range\r\n\r\n")
        let allowed = try #require(asked.fields["access-control-allow-headers"])
        for name in ["Range", "If-Range", "If-None-Match"] { #expect(allowed.contains(name)) }
    }
}
