/// A job as its executor gets it.
public struct JobWork: Sendable {
    /// The name of the job.
    public let id: JobID
    /// For whom it is.
    public let client: String
    /// What is asked for.
    public let payload: JobPayload
    /// 1, or 2 if the server stopped during the first attempt.
    public let attempt: Int
    /// Whether anybody follows the job just now, and so whether a preview would be seen; from any thread.
    public let isFollowed: @Sendable () -> Bool
}
