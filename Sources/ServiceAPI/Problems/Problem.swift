import HTTPProtocol

/// An error as clients get it: `application/problem+json` (RFC 9457).
struct Problem: Codable, Sendable {
    /// Stable; tells errors apart without reading their words.
    let type: String
    /// The same for each error of this type.
    let title: String
    let status: Int
    /// This error's own words.
    let detail: String
    /// What the job that was asked for would take, where it does not fit.
    var plan: PlanManifest?
    /// The nearest job that fits.
    var fitting: PlanManifest?
    /// For `Retry-After`.
    var retryAfterSeconds: Int?
    /// For `Allow`.
    var allowed: String?
    /// For `Location`, where the result can be fetched later.
    var location: String?
    /// For `Accept-Encoding`, where the body's is at fault.
    var acceptedEncoding: String?
    /// For `Content-Range`, where none of the bytes is there that were asked for.
    var contentRange: String?
    /// The parameter that is at fault, for OpenAI's shape.
    var parameter: String?

    private enum CodingKeys: String, CodingKey {
        case type
        case title
        case status
        case detail
        case plan
        case fitting
    }

    /// An error of `kind`.
    init(_ kind: ProblemKind, _ detail: String) {
        type = "urn:mica:problem:\(kind.rawValue)"
        title = kind.title
        status = kind.status
        self.detail = detail
        retryAfterSeconds = kind.retryAfterSeconds
    }

    /// The last part of `type`.
    var code: String { String(type.dropFirst("urn:mica:problem:".count)) }

    /// The answer to send.
    var response: Response {
        var response = Answer.of(.json(self), status: status, type: "application/problem+json")
        response.fields += extraFields
        return response
    }

    /// The answer in OpenAI's shape.
    var openAIResponse: Response {
        var response = Answer.of(.json(OpenAIError(self)), status: status, type: "application/json")
        response.fields += extraFields
        return response
    }

    private var extraFields: [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        if let retryAfterSeconds { fields.append(("Retry-After", "\(retryAfterSeconds)")) }
        if let allowed { fields.append(("Allow", allowed)) }
        if let location { fields.append(("Location", location)) }
        if let acceptedEncoding { fields.append(("Accept-Encoding", acceptedEncoding)) }
        if let contentRange { fields.append(("Content-Range", contentRange)) }
        if status == 401 { fields.append(("WWW-Authenticate", "Bearer realm=\"mica\"")) }
        return fields
    }
}
