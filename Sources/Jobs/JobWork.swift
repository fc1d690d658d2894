/// A job as its executor gets it.
public struct JobWork: Sendable {
    public let id: JobID
    public let client: String
    public let payload: JobPayload
    /// 1, or 2 if the server stopped during the first attempt.
    public let attempt: Int
}
