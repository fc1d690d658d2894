/// A job as it is at one moment.
public struct JobSnapshot: Sendable, Equatable {
    /// The name of the job.
    public let id: JobID
    /// For whom it is.
    public let client: String
    /// Where it is in its life.
    public let state: JobState
    /// How soon its turn comes.
    public let priority: JobPriority
    /// True if the job survives a stop of the server.
    public let isDurable: Bool
    /// What the payload said.
    public let metadata: String
    /// When it was accepted.
    public let createdAt: JobInstant
    /// When the last attempt began.
    public let startedAt: JobInstant?
    /// When it ended, however it did.
    public let endedAt: JobInstant?
    /// When it fails if it has not ended.
    public let deadline: JobInstant?
    /// When the result of a job that ended goes, at the latest.
    public let expiresAt: JobInstant?
    /// Times that a worker began it.
    public let attempts: Int
    /// True once its client has taken it back, and it has not ended yet.
    public let isCancelling: Bool
    /// Why it failed; kept when it expires.
    public let failure: JobFailure?
    /// The files of the result.
    public let files: [JobResultFile.Description]
    /// Jobs that start before this one while it waits.
    public var position: Int?
    /// Seconds until it starts, as far as can be told while it waits.
    public var estimatedStartSeconds: Double?
    /// The last report while it runs, without its preview.
    public var progress: JobProgress?

    init(_ record: JobRecord, isDurable: Bool, keptSeconds: Double) {
        id = record.id
        client = record.client
        state = record.state
        priority = record.priority
        self.isDurable = isDurable
        metadata = record.metadata
        createdAt = record.createdAt
        startedAt = record.startedAt
        endedAt = record.endedAt
        deadline = record.deadline
        expiresAt = record.endedAt?.advanced(bySeconds: keptSeconds)
        attempts = record.attempts
        isCancelling = !record.state.isFinished && record.endRequest != .none
        failure = record.failure
        files = record.files
    }
}
