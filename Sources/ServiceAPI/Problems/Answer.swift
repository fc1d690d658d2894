import Foundation
import HTTPProtocol

/// Makes answers with the fields that all of them share.
enum Answer {
    /// A body.
    enum Content {
        case text(String)
        case bytes([[UInt8]])
        case empty

        /// A value as JSON.
        static func json(_ value: some Encodable) -> Content { .bytes([JSONText.bytes(value)]) }

        var pieces: [[UInt8]] {
            switch self {
            case .text(let text): [Array(text.utf8)]
            case .bytes(let pieces): pieces
            case .empty: []
            }
        }
    }

    /// Browsers must not guess another type than the one stated, show an answer inside another page, or keep it.
    static let securityFields: [(name: String, value: String)] = [
        ("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"),
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ]

    /// An answer; `type` is nil only without a body.
    static func of(_ content: Content, status: Int = 200, type: String?) -> Response {
        var fields = securityFields
        if let type { fields.insert(("Content-Type", type), at: 0) }
        return Response(status: status, fields: fields, body: content.pieces)
    }

    /// An answer that is read while it is sent.
    static func of(_ body: ResultBody, type: String) -> Response {
        var response = of(.empty, type: type)
        response.source = body
        return response
    }

    /// A value as JSON.
    static func json(_ value: some Encodable, status: Int = 200) -> Response {
        of(.json(value), status: status, type: "application/json")
    }

    /// Text for people.
    static func text(_ text: String, type: String = "text/plain; charset=utf-8") -> Response {
        of(.text(text), type: type)
    }

    /// A file to be saved under a name, which is read while it is sent.
    static func file(_ body: ResultBody, type: String, name: String) -> Response {
        var response = of(body, type: type)
        response.fields.append(disposition(name))
        return response
    }

    private static func disposition(_ name: String) -> (name: String, value: String) {
        ("Content-Disposition", "attachment; filename=\"\(name)\"")
    }

    /// A file to be saved under a name.
    static func file(_ bytes: [UInt8], type: String, name: String) -> Response {
        var response = of(.bytes([bytes]), type: type)
        response.fields.append(disposition(name))
        return response
    }
}

/// JSON with a stable order of keys.
enum JSONText {
    static func bytes(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Only numbers that are not finite can fail, and no value of ours has any.
        guard let data = try? encoder.encode(value) else { return Array("{}".utf8) }
        return Array(data)
    }
}
