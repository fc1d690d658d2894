import Foundation
import HTTPProtocol

/// An error as clients get it: `application/problem+json` (RFC 9457).
struct Problem: Encodable, Sendable {
    /// Stable; tells errors apart without reading their words.
    let type: String
    /// The same for each error of this type.
    let title: String
    let status: Int
    /// This error's own words.
    let detail: String
    /// For `Retry-After`.
    var retryAfterSeconds: Int?
    /// For `Allow`.
    var allowed: String?

    private enum CodingKeys: String, CodingKey {
        case type
        case title
        case status
        case detail
    }

    /// `code` becomes the end of a URN.
    init(_ status: Int, _ code: String, _ title: String, _ detail: String) {
        type = "urn:mica:problem:\(code)"
        self.title = title
        self.status = status
        self.detail = detail
    }

    /// The answer to send.
    var response: Response {
        var fields = [(name: "Content-Type", value: "application/problem+json")]
        if let retryAfterSeconds { fields.append(("Retry-After", "\(retryAfterSeconds)")) }
        if let allowed { fields.append(("Allow", allowed)) }
        return Response(status: status, fields: fields + ServiceFields.always, body: [JSONText.bytes(self)])
    }
}

/// Fields that many answers share.
enum ServiceFields {
    /// Browsers must not guess another type than the one stated, and results are nobody else's business.
    static let always = [
        (name: "X-Content-Type-Options", value: "nosniff"), (name: "Cache-Control", value: "no-store"),
    ]
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
