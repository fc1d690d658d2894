/// How a job is to be done, and for whom.
public struct JobOptions: Sendable {
    /// The longest idempotency key, in bytes of UTF-8.
    public static let idempotencyKeyByteLimit = 255

    /// For whom: jobs are shared out fairly between clients, and a client sees only its own.
    public var client: String
    public var priority = JobPriority.normal
    /// Seconds from now after which the job fails if it has not ended.
    public var deadlineSeconds: Double?
    /// The client's name for this request: a second one with the same key and payload is the same job.
    public var idempotencyKey: String?
    /// True if the job is to survive a stop of the server. A job with an idempotency key is always kept.
    public var isDurable = true
    /// How much work this is, compared with others: more than 0.
    public var cost = 1.0
    /// This client's limits, if they are not the usual ones.
    public var limits: JobClientLimits?

    /// Creates options for `client`.
    public init(client: String) {
        self.client = client
    }
}
