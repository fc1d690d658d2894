import Digests
import Foundation
import Jobs
import ServiceAPI
import Testing

@Suite struct SecurityTests {
    private static let one = "mica_one-secret"
    private static let two = "mica_two-secret"

    private static func line(_ name: String, _ key: String, _ more: String = "") -> String {
        let hash = Digest.hexadecimal(Digest.sha256(of: Array(key.utf8)))
        return "\(name) sha256:\(hash) \(more)"
    }

    private func fixture(_ lines: [String]) throws -> ServiceFixture {
        try ServiceFixture(FakeDecomposer(holds: true), keepsJobs: true) { configuration in
            try configuration.keys.add(lines.joined(separator: "\n"), source: "keys")
        }
    }

    @Test func keysOpenTheServiceAndDivideTheJobs() throws {
        let fixture = try fixture([Self.line("one", Self.one), "# comment", "", Self.line("two", Self.two)])
        let client = try fixture.client()
        for path in ["/", "/livez", "/readyz", "/healthz", "/version", "/openapi.yaml", "/metrics", "/page.css"] {
            #expect(try client.ask("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n").status == 200, "\(path)")
        }
        for value in [nil, "Bearer no", "Basic \(Self.one)", ""] {
            let field = value.map { "Authorization: \($0)\r\n" } ?? ""
            let answer = try client.ask("GET /v1/jobs HTTP/1.1\r\nHost: a\r\n\(field)\r\n")
            #expect(answer.status == 401 && answer.fields["www-authenticate"] != nil)
        }
        let form = ServiceFixture.form(
            [], image: try ServiceFixture.png(), path: "/v1/jobs", more: "Authorization: bearer \(Self.one)\r\n")
        client.send(form)
        let job = try #require(try client.readAnswer().fields["location"])
        for (key, status) in [(Self.one, 200), (Self.two, 404)] {
            for path in [job, "\(job)/events"] where !(status == 200 && path.hasSuffix("events")) {
                let answer = try client.ask("GET \(path) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\n\r\n")
                #expect(answer.status == status)
            }
        }
        let list = try client.ask("GET /v1/jobs HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(Self.two)\r\n\r\n")
        #expect(list.text == "{\"jobs\":[]}")
        #expect(!fixture.logs.lines.joined().contains("secret"))
        // The first key is taken away while the service runs.
        var ring = KeyRing()
        try ring.add(Self.line("two", Self.two), source: "keys")
        fixture.service.access.replace(ring)
        #expect(
            try client.ask("GET \(job) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(Self.one)\r\n\r\n").status == 401)
        fixture.decomposer.letGo()
        fixture.stop()
    }

    @Test func aKeyHasLimitsOfItsOwn() throws {
        let fixture = try fixture([Self.line("one", Self.one, "waiting=1 priority=normal")])
        let client = try fixture.client()
        func submit(_ fields: [(String, String)] = []) throws -> TestClient.Answer {
            client.send(
                ServiceFixture.form(
                    fields, image: try ServiceFixture.png(), path: "/v1/jobs",
                    more: "Authorization: Bearer \(Self.one)\r\n"))
            return try client.readAnswer()
        }
        #expect(try submit([("priority", "high")]).status == 403)
        #expect(try submit().status == 202)
        #expect(eventually { fixture.decomposer.started.value == 1 })
        #expect(try submit([("priority", "low")]).status == 202)
        let refused = try submit()
        #expect(refused.status == 429 && Int(refused.fields["retry-after"] ?? "") != nil)
        fixture.decomposer.letGo()
        fixture.decomposer.letGo()
        fixture.stop()
    }

    /// Jobs of before a restart are their client's still, who has not asked for anything since.
    @Test func aKeyHasItsLimitsAfterARestart() throws {
        let folder = try ScratchFolder()
        func fixture(_ decomposer: FakeDecomposer, isStarted: Bool) throws -> ServiceFixture {
            try ServiceFixture(decomposer, folder: folder, isStarted: isStarted) { configuration in
                try configuration.keys.add(Self.line("one", Self.one, "running=1"), source: "keys")
                try configuration.keys.add(Self.line("two", Self.two), source: "keys")
            }
        }
        func submit(_ fixture: ServiceFixture, _ key: String) throws {
            let client = try fixture.client()
            let more = "Authorization: Bearer \(key)\r\n"
            client.send(ServiceFixture.form([], image: try ServiceFixture.png(), path: "/v1/jobs", more: more))
            #expect(try client.readAnswer().status == 202)
        }
        let before = try fixture(FakeDecomposer(), isStarted: false)
        for _ in 0..<3 { try submit(before, Self.one) }
        before.stop()
        #expect(before.decomposer.started.value == 0)
        let other = FakeDecomposer(holds: true)
        let after = try fixture(FakeDecomposer(holds: true, others: [other]), isStarted: true)
        try submit(after, Self.two)
        #expect(eventually { after.decomposer.started.value + other.started.value == 2 })
        let list = try after.client().ask(
            "GET /v1/jobs?state=running HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(Self.two)\r\n\r\n")
        #expect((try ServiceFixture.json(list.body)["jobs"] as? [Any])?.count == 1)
        after.stop()
    }

    /// A comment may have a semicolon; in one line semicolons divide.
    @Test func semicolonsDivideOneLineAlone() throws {
        var ring = KeyRing()
        let lines = [Self.line("one", Self.one), Self.line("two", Self.two)]
        try ring.add("# made 2026-11-01; rotate in March\n\(lines[0])\n", source: "keys")
        #expect(ring.count == 1)
        #expect(throws: SettingsError.self) { try ring.add(lines.joined(separator: ";"), source: "keys") }
        try ring.add(oneLine: "# two; \(lines.joined(separator: "; "));\n", source: "keys")
        #expect(ring.count == 3)
    }

    @Test(arguments: [
        "one", "one sha256:12", "one md5:\(String(repeating: "0", count: 64))",
        "a/b sha256:\(String(repeating: "0", count: 64))",
        "one sha256:\(String(repeating: "g", count: 64))", "one sha256:\(String(repeating: "0", count: 64)) waiting=x",
        "one sha256:\(String(repeating: "0", count: 64)) priority=top",
        "one sha256:\(String(repeating: "0", count: 64)) running=0",
    ])
    func badLinesAreRefused(line: String) {
        var ring = KeyRing()
        #expect(throws: SettingsError.self) { try ring.add(line, source: "keys") }
    }

    @Test func aMadeKeyIsAccepted() throws {
        let (key, line) = try APIKey.make(client: "alice")
        #expect(key.count == 48 && !line.contains(key))
        let fixture = try fixture([line])
        let answer = try fixture.client().ask(
            "GET /v1/models HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\n\r\n")
        #expect(answer.status == 200)
        #expect(throws: SettingsError.self) { try APIKey.make(client: "a b") }
        fixture.stop()
    }

    @Test func pagesOfListedOriginsAloneAreLetIn() throws {
        let fixture = try ServiceFixture(service: { $0.corsOrigins = ["https://a.example"] })
        let client = try fixture.client()
        for (origin, isAllowed) in [("https://a.example", true), ("https://b.example", false), ("null", false)] {
            let answer = try client.ask("GET /v1/models HTTP/1.1\r\nHost: a\r\nOrigin: \(origin)\r\n\r\n")
            #expect(answer.fields["access-control-allow-origin"] == (isAllowed ? origin : nil))
            #expect(answer.fields["vary"]?.contains("Origin") == true)
            let preflight = try client.ask(
                "OPTIONS /v1/jobs HTTP/1.1\r\nHost: a\r\nOrigin: \(origin)\r\n"
                    + "Access-Control-Request-Method: POST\r\n\r\n")
            #expect(preflight.status == 204)
            #expect((preflight.fields["access-control-allow-methods"]?.contains("POST") == true) == isAllowed)
            let missing = try client.ask("GET /none HTTP/1.1\r\nHost: a\r\nOrigin: \(origin)\r\n\r\n")
            #expect((missing.fields["access-control-allow-origin"] != nil) == isAllowed)
        }
        fixture.stop()
    }

    @Test func everyAnswerHasItsSecurityFields() throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        for path in ["/healthz", "/v1/models", "/nothing", "/"] {
            let answer = try client.ask("GET \(path) HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n")
            #expect(answer.fields["x-content-type-options"] == "nosniff", "\(path)")
            #expect(answer.fields["content-security-policy"] != nil && answer.fields["x-request-id"] != nil)
            #expect(answer.fields["access-control-allow-origin"] == nil)
        }
        fixture.stop()
    }
}
