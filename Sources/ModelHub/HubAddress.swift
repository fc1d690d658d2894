import Foundation

/// Where a hub is, and who asks.
public struct HubAddress: Sendable {
    /// Without a slash at its end: `https://huggingface.co`.
    public let endpoint: String
    /// What is sent as `Authorization: Bearer`, to the endpoint alone.
    public var token: String?
    /// A PEM file of certificate authorities; nil for the system's.
    public var authorities: String?

    /// The hub that everybody knows.
    public static let huggingFace = "https://huggingface.co"

    /// Throws `badName` for an endpoint that is no address of HTTP.
    public init(endpoint: String = huggingFace, token: String? = nil, authorities: String? = nil) throws(HubError) {
        let trimmed = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
        guard let parts = URLComponents(string: trimmed), ["https", "http"].contains(parts.scheme),
            parts.host?.isEmpty == false, parts.query == nil, parts.fragment == nil, parts.user == nil
        else { throw .badName(endpoint, expected: "a hub's address is like \(Self.huggingFace)") }
        if let token {
            guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                throw .badName("the token", expected: "a token is letters, digits and signs without spaces")
            }
        }
        self.endpoint = trimmed
        self.token = token
        self.authorities = authorities
    }

    /// Whether files may come without TLS: only where the endpoint itself does.
    var allowsPlainHTTP: Bool { endpoint.hasPrefix("http://") }

    /// The address of a path, each part of which is escaped.
    func address(_ parts: [String], query: String = "") -> String {
        let escaped = parts.flatMap { $0.split(separator: "/") }.map(Self.escaped)
        return endpoint + "/" + escaped.joined(separator: "/") + (query.isEmpty ? "" : "?\(query)")
    }

    /// A part of a path, its slashes too.
    static func escaped(_ part: some StringProtocol) -> String {
        part.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
    }

    /// RFC 3986, section 2.3.
    private static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
}
