import HTTPProtocol
import Jobs

/// Everything that the service answers; `openapi.yaml` describes the same.
public enum Route: Int, Sendable, CaseIterable {
    case page
    case pageStyle
    case pageScript
    case pageFile
    case liveness
    case readiness
    case health
    case version
    case metrics
    case description
    case models
    case model
    case layers
    case imageEdits
    case plan
    case jobs
    case job
    case jobEvents
    case jobResult
    case jobManifest
    case jobLayer
    case jobPSD
    case jobZIP
    case jobLayerSplit
    case recompose

    /// The path, with the names of its parts as OpenAPI writes them.
    public var path: String {
        switch self {
        case .page: "/"
        case .pageStyle: "/page.css"
        case .pageScript: "/page.js"
        case .pageFile: "/page/{name}"
        case .liveness: "/livez"
        case .readiness: "/readyz"
        case .health: "/healthz"
        case .version: "/version"
        case .metrics: "/metrics"
        case .description: "/openapi.yaml"
        case .models: "/v1/models"
        case .model: "/v1/models/{id}"
        case .layers: "/v1/layers"
        case .imageEdits: "/v1/images/edits"
        case .plan: "/v1/plan"
        case .jobs: "/v1/jobs"
        case .job: "/v1/jobs/{id}"
        case .jobEvents: "/v1/jobs/{id}/events"
        case .jobResult: "/v1/jobs/{id}/result"
        case .jobManifest: "/v1/jobs/{id}/manifest"
        case .jobLayer: "/v1/jobs/{id}/layers/{n}.png"
        case .jobPSD: "/v1/jobs/{id}/layers.psd"
        case .jobZIP: "/v1/jobs/{id}/layers.zip"
        case .jobLayerSplit: "/v1/jobs/{id}/layers/{n}/layers"
        case .recompose: "/v1/recompose"
        }
    }

    /// The methods that do something; HEAD follows from GET, and OPTIONS is everywhere.
    public var methods: [String] {
        switch self {
        case .layers, .imageEdits, .jobLayerSplit, .recompose, .plan: ["POST"]
        case .jobs: ["GET", "POST"]
        case .job: ["GET", "DELETE"]
        default: ["GET"]
        }
    }

    /// What `Allow` says.
    public var allowedMethods: String {
        ((methods.contains("GET") ? ["GET", "HEAD"] : []) + methods.filter { $0 != "GET" } + ["OPTIONS"])
            .joined(separator: ", ")
    }

    /// True if a key is asked for, where there are keys.
    var needsKey: Bool { rawValue >= Route.models.rawValue }
}

/// A route and what the path says besides.
struct RouteMatch: Sendable {
    let route: Route
    var job: JobID?
    /// 1 for the bottom layer.
    var layer = 0
    /// A file of the page, or a model's name.
    var file = ""

    /// The paths that have no variable part, by their bytes: most requests of load balancers end here.
    private static let fixed: [[UInt8]: Route] = Dictionary(
        uniqueKeysWithValues: Route.allCases.filter { !$0.path.contains("{") }.map { (Array($0.path.utf8), $0) })

    /// The route of a request's path, or nil.
    init?(_ target: RequestTarget) {
        if let route = Self.fixed[target.path] {
            self.route = route
            return
        }
        // A slash inside a segment was an encoded one: no path of ours has it.
        guard let segments = target.pathSegments, !segments.contains(where: { $0.contains("/") }) else { return nil }
        if let route = Self.fixed[Array("/\(segments.joined(separator: "/"))".utf8)] {
            self.route = route
            return
        }
        if segments.count == 2, segments[0] == "page" {
            route = .pageFile
            file = segments[1]
            return
        }
        if segments.count == 3, segments[0] == "v1", segments[1] == "models" {
            route = .model
            file = segments[2]
            return
        }
        guard (3...6).contains(segments.count), segments[0] == "v1", segments[1] == "jobs",
            let job = JobID(segments[2])
        else { return nil }
        self.job = job
        switch segments.dropFirst(3).joined(separator: "/") {
        case "":
            guard segments.count == 3 else { return nil }
            route = .job
        case "events": route = .jobEvents
        case "result": route = .jobResult
        case "manifest": route = .jobManifest
        case "layers.psd": route = .jobPSD
        case "layers.zip": route = .jobZIP
        default:
            let isFile = segments.count == 5 && segments[3] == "layers" && segments[4].hasSuffix(".png")
            let isSplit = segments.count == 6 && segments[3] == "layers" && segments[5] == "layers"
            guard isFile || isSplit else { return nil }
            let number = isFile ? String(segments[4].dropLast(4)) : segments[4]
            guard ParameterText.isNumber(number), number.utf8.count <= 3, let layer = Int(number) else { return nil }
            route = isFile ? .jobLayer : .jobLayerSplit
            self.layer = layer
        }
    }
}
