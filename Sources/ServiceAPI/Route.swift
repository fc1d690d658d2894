import HTTPProtocol

/// Everything that the service answers; `openapi.yaml` describes the same.
public enum Route: String, Sendable, CaseIterable {
    case hint = "/"
    case health = "/healthz"
    case description = "/openapi.yaml"
    case layers = "/v1/layers"

    /// The methods that do something; HEAD and OPTIONS follow from them.
    public var method: String {
        switch self {
        case .hint, .health, .description: "GET"
        case .layers: "POST"
        }
    }

    /// What `Allow` says.
    public var allowedMethods: String { method == "GET" ? "GET, HEAD, OPTIONS" : "\(method), OPTIONS" }

    /// The route of a request's path, or nil.
    static func of(_ target: RequestTarget) -> Route? {
        // A slash inside a segment was an encoded one: no path of ours has it.
        guard let segments = target.pathSegments, !segments.contains(where: { $0.contains("/") }) else { return nil }
        return Route(rawValue: "/" + segments.joined(separator: "/"))
    }
}
