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

    @Test func thePolicyLetsNothingIn() {
        let policy = WebPage.contentSecurityPolicy
        #expect(policy.hasPrefix("default-src 'none'; "))
        #expect(!policy.contains("unsafe") && !policy.contains("*") && !policy.contains("http"))
    }
}
