import HTTPProtocol

/// What a client prefers, as far as it matters here: the `Prefer` field (RFC 7240).
struct PreferField: Sendable, Equatable {
    /// The client would rather have a job than wait.
    var respondsAsync = false
    /// The client would wait so many seconds for the result, and then have a job; at most `longestWaitSeconds`.
    var waitSeconds: Int?

    /// Who would wait longer waits so long, and is told so by `Preference-Applied`.
    private static let longestWaitSeconds = 3600

    /// Preferences beyond this many are not looked at.
    private static let largestCount = 16

    /// Nothing preferred.
    init() {}

    /// Reads all `Prefer` fields. What is not known or not well-formed counts as not there, as RFC 7240 has it; of one
    /// that is there twice the first counts.
    init(_ fields: HeaderFields) {
        for element in fields.elements("prefer").prefix(Self.largestCount) {
            let text = String(decoding: element.prefix { $0 != 0x3B }, as: UTF8.self)
            let parts = text.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " && $0 != "\t" } }
            guard let name = parts.first?.lowercased() else { continue }
            if name == "respond-async" {
                respondsAsync = true
            } else if name == "wait", waitSeconds == nil, parts.count == 2 {
                let digits = parts[1].filter { $0 != "\"" }
                if digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let seconds = Int(digits.prefix(9)) {
                    waitSeconds = min(seconds, Self.longestWaitSeconds)
                }
            }
        }
    }

    /// Seconds to wait for the result before a job is given; nil waits to the end.
    var patienceSeconds: Int? {
        if let waitSeconds { return waitSeconds }
        return respondsAsync ? 0 : nil
    }

    /// For `Preference-Applied`, once a job is given.
    var applied: String? {
        if let waitSeconds { return "wait=\(waitSeconds)" }
        return respondsAsync ? "respond-async" : nil
    }
}
