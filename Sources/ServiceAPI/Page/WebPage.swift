import Digests

/// The page at "/": what its files are, and what a browser may do with them. It needs nothing from outside.
public enum WebPage {
    /// A file of the page.
    public struct Resource: Sendable {
        /// For `Content-Type`.
        public let mediaType: String
        public let bytes: [UInt8]
        /// For `ETag`: another release's file has another one.
        public let entityTag: String

        init(mediaType: String, bytes: [UInt8]) {
            self.mediaType = mediaType
            self.bytes = bytes
            entityTag = "\"\(Digest.hexadecimal(Digest.sha256(of: bytes)).prefix(24))\""
        }
    }

    /// For the field `Content-Security-Policy`: scripts, styles and data of this service alone, no markup from strings,
    /// and no page that frames this one.
    public static let contentSecurityPolicy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob: data:",
        "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
        "require-trusted-types-for 'script'", "trusted-types 'none'",
    ].joined(separator: "; ")

    /// The paths of all files, "/" first.
    public static let paths = PageDocument.texts.map(\.path)

    /// The file at a path such as "/page.js", or nil.
    public static func resource(at path: String) -> Resource? { resources[path] }

    private static let resources = Dictionary(
        uniqueKeysWithValues: PageDocument.texts.map { path, text in
            (path, Resource(mediaType: mediaType(path), bytes: Array(text.utf8)))
        })

    private static func mediaType(_ path: String) -> String {
        if path.hasSuffix(".css") { return "text/css; charset=utf-8" }
        if path.hasSuffix(".js") { return "text/javascript; charset=utf-8" }
        if path.hasSuffix(".svg") { return "image/svg+xml" }
        return "text/html; charset=utf-8"
    }
}
