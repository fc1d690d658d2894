/// An error as clients of OpenAI's interface expect it.
struct OpenAIError: Encodable, Sendable {
    /// What `error` holds; `param` and `code` are always there, if only as null.
    struct Content: Encodable, Sendable {
        let message: String
        let type: String
        let param: String?
        let code: String?

        private enum CodingKeys: String, CodingKey {
            case message
            case type
            case param
            case code
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(message, forKey: .message)
            try container.encode(type, forKey: .type)
            try container.encode(param, forKey: .param)
            try container.encode(code, forKey: .code)
        }
    }

    let error: Content

    /// The same error as `problem`.
    init(_ problem: Problem) {
        let type =
            switch problem.status {
            case 401: "authentication_error"
            case 403: "permission_error"
            case 404: "not_found_error"
            case 429: "rate_limit_error"
            case 500...: "server_error"
            default: "invalid_request_error"
            }
        error = Content(
            message: "\(problem.title): \(problem.detail)", type: type, param: problem.parameter,
            code: String(problem.code.map { $0 == "-" ? "_" : $0 }))
    }
}
