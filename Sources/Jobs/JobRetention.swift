/// How long and how much is kept of jobs that ended.
public struct JobRetention: Sendable, Equatable {
    /// Seconds from a job's end until its result goes and its state becomes `expired`.
    public var resultSeconds = 86_400.0
    /// Bytes of all results together; the oldest go first, the newest stays whatever its size.
    public var resultBytes = 10 << 30
    /// Seconds for which an expired job is still known, and its idempotency key taken.
    public var recordSeconds = 604_800.0

    /// Creates the usual retention: results for a day and 10 GiB, records for a week.
    public init() {}
}
