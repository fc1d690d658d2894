/// A file of the page.
struct WebPageResource {
    let mediaType: String
    let bytes: [UInt8]
}

/// The page at "/"; nothing yet.
enum WebPage {
    static let paths = ["/", "/page.css", "/page.js"]
    static let contentSecurityPolicy = "default-src 'self'"

    static func resource(at path: String) -> WebPageResource? {
        guard paths.contains(path) else { return nil }
        let type = path == "/" ? "text/html; charset=utf-8" : path == "/page.css" ? "text/css" : "text/javascript"
        return WebPageResource(mediaType: type, bytes: [])
    }
}
