/// The answer to a submitted job.
public struct JobSubmission: Sendable, Equatable {
    /// The job as it is now.
    public let job: JobSnapshot
    /// True if the same request came before under its idempotency key, and this is that job.
    public let isReplay: Bool
}
