import HTTPProtocol

/// Which web pages may use the service: the Fetch standard's CORS protocol, by a list of origins.
struct CORSPolicy: Sendable {
    private let origins: Set<String>
    private let allowsAll: Bool

    private static let maximumAgeSeconds = 600
    /// Fields of answers that scripts may read.
    private static let exposed =
        "Location, Retry-After, X-Request-Id, Content-Disposition, Preference-Applied, Idempotent-Replayed,"
        + " Mica-Rounding, Mica-Difference, ETag, Accept-Ranges, Content-Range"
    /// Fields of requests that scripts may set.
    private static let allowed =
        "Accept, Authorization, Content-Type, Idempotency-Key, Prefer, X-Request-Id, traceparent, tracestate, Range,"
        + " If-Range, If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since"

    /// Allows `origins`, such as `https://design.example`; `*` allows all.
    init(origins: [String]) {
        self.origins = Set(origins)
        allowsAll = origins.contains("*")
    }

    private var isOff: Bool { origins.isEmpty }

    private func allowedOrigin(_ fields: HeaderFields) -> String? {
        guard !isOff, let origin = fields["origin"] else { return nil }
        return allowsAll || origins.contains(origin) ? origin : nil
    }

    /// Adds to an answer what a browser needs to hand it to the page that asked.
    func apply(to response: inout Response, request fields: HeaderFields) {
        guard !isOff else { return }
        response.addVary("Origin")
        guard let origin = allowedOrigin(fields) else { return }
        response.fields.append(("Access-Control-Allow-Origin", origin))
        response.fields.append(("Access-Control-Expose-Headers", Self.exposed))
    }

    /// Adds to an answer to OPTIONS what a browser asks before it sends the request itself; `methods` are the path's.
    func applyPreflight(to response: inout Response, request fields: HeaderFields, methods: String) {
        guard !isOff else { return }
        response.addVary("Origin")
        guard fields.first("access-control-request-method") != nil, let origin = allowedOrigin(fields) else { return }
        response.fields += [
            ("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Methods", methods),
            ("Access-Control-Allow-Headers", Self.allowed), ("Access-Control-Max-Age", "\(Self.maximumAgeSeconds)"),
        ]
    }
}

extension Response {
    /// Says that the answer depends on this field of the request too.
    mutating func addVary(_ name: String) {
        if let index = fields.firstIndex(where: { $0.name == "Vary" }) {
            fields[index].value += ", \(name)"
        } else {
            fields.append(("Vary", name))
        }
    }
}
