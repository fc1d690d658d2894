import Foundation
import ServiceAPI
import Testing

/// The page is what its files say, and needs nothing from elsewhere.
@Suite struct WebPageTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Sources/ServiceAPI/Page")

    private static func text(_ path: String) throws -> String {
        String(decoding: try #require(WebPage.resource(at: path)).bytes, as: UTF8.self)
    }

    @Test func everyFileIsServed() throws {
        let parts = try FileManager.default.contentsOfDirectory(
            atPath: Self.folder.appendingPathComponent("page").path)
        #expect(Set(WebPage.paths) == Set(["/", "/page.css", "/page.js"] + parts.map { "/page/\($0)" }))
        #expect(parts.contains("service.js"))
    }

    @Test(arguments: WebPage.paths)
    func whatIsServedIsTheFile(_ path: String) throws {
        let name = path == "/" ? "page.html" : String(path.dropFirst())
        let file = try String(contentsOf: Self.folder.appendingPathComponent(name), encoding: .utf8)
        #expect(try Self.text(path) == file, "run `make page`")
    }

    @Test(arguments: [
        ("/", "text/html; charset=utf-8"), ("/page.css", "text/css; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"), ("/page/icon.svg", "image/svg+xml"),
    ])
    func eachFileHasItsType(_ path: String, _ type: String) {
        #expect(WebPage.resource(at: path)?.mediaType == type)
    }

    @Test(arguments: ["", "/page", "/page/", "/page/../page.js", "/page.html", "//page.js", "/PAGE.JS"])
    func nothingElseIsThere(_ path: String) {
        #expect(WebPage.resource(at: path) == nil)
    }

    /// The policy forbids these; a page that had them would be broken in a browser.
    @Test func theMarkupHoldsNoScriptNorStyle() throws {
        let html = try Self.text("/")
        #expect(html.contains("<script type=\"module\" src=\"page.js\"></script>"))
        #expect(html.components(separatedBy: "<script").count == 2)
        #expect(!html.contains("<style"))
        for attribute in [#"\sstyle="#, #"\son[a-z]+="#, "javascript:"] {
            #expect(html.range(of: attribute, options: .regularExpression) == nil, "\(attribute)")
        }
    }

    @Test(arguments: WebPage.paths)
    func nothingComesFromElsewhere(_ path: String) throws {
        let text = try Self.text(path).replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "")
        for outside in ["http:", "https:", "src=\"//", "url(//", "innerHTML", "eval("] {
            #expect(!text.contains(outside), "\(outside)")
        }
    }

    /// Whoever adds an identifier to a script without one in the markup finds a null at run time only.
    @Test func identifiersOfTheScriptsAreInTheMarkup() throws {
        let html = try Self.text("/")
        for path in WebPage.paths where path.hasSuffix(".js") {
            for match in try Self.text(path).matches(of: /byId\('([a-z-]+)'\)/) {
                #expect(html.contains("id=\"\(match.1)\""), "\(match.1) in \(path)")
            }
        }
    }

    /// A browser that has the page asks whether it is still so.
    @Test(arguments: ["/", "/page.js", "/page/icon.svg"])
    func whatABrowserHasIsNotSentAgain(_ path: String) throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        func ask(_ known: String) throws -> TestClient.Answer {
            try client.ask(
                "GET \(path) HTTP/1.1\r\nHost: a\r\nAccept: text/html, */*;q=0.1\r\nIf-None-Match: \(known)\r\n\r\n")
        }
        let first = try ask("\"another\"")
        let tag = try #require(first.fields["etag"])
        #expect(first.status == 200 && tag == WebPage.resource(at: path)?.entityTag)
        for known in [tag, "\"a\", W/\(tag)", "*"] {
            let answer = try ask(known)
            #expect(answer.status == 304 && answer.body.isEmpty && answer.fields["etag"] == tag, "\(known)")
            #expect(answer.fields["content-length"] == nil && answer.fields["cache-control"] == "no-cache")
            let documented = path.hasPrefix("/page/") ? "/page/{name}" : path
            #expect(try OpenAPIChecker().problems(answer, "GET", documented) == [])
        }
        // The hint for curl at the same address is something else.
        #expect(try client.ask("GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n").status == 200)
        fixture.stop()
    }

    @Test func thePolicyLetsNothingIn() {
        let policy = WebPage.contentSecurityPolicy
        #expect(policy.hasPrefix("default-src 'none'; "))
        #expect(!policy.contains("unsafe") && !policy.contains("*") && !policy.contains("http"))
    }
}
