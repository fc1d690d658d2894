/// Why a job was not taken, and when to come again.
public struct JobRejection: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was full.
    public enum Reason: Sendable, Hashable {
        /// As many jobs wait as may.
        case queueFull(limit: Int)
        /// This client has as many jobs waiting as it may.
        case tooManyJobsOfClient(limit: Int)
        /// The waiting requests that are held in memory fill what they may.
        case waitingBytesFull(limit: Int)
        /// The server is stopping.
        case draining

        /// A stable word, for metrics.
        public var code: String {
            switch self {
            case .queueFull: "queue_full"
            case .tooManyJobsOfClient: "client_limit"
            case .waitingBytesFull: "memory_full"
            case .draining: "draining"
            }
        }
    }

    /// What was full.
    public let reason: Reason
    /// An estimate, 1 to 3600, for `Retry-After`.
    public let retryAfterSeconds: Int

    /// Creates a rejection; `seconds` is brought to the range of `Retry-After`.
    public init(_ reason: Reason, retryAfterSeconds seconds: Double) {
        self.reason = reason
        retryAfterSeconds = Int(min(max(seconds.isNaN ? 1 : seconds.rounded(.up), 1), 3600))
    }

    public var description: String {
        let retry = "try again in \(retryAfterSeconds) s"
        return switch reason {
        case .queueFull(let limit): "\(limit) jobs are waiting already; \(retry)"
        case .tooManyJobsOfClient(let limit): "\(limit) of your jobs are waiting already; \(retry)"
        case .waitingBytesFull(let limit): "the waiting requests fill the \(limit) bytes set aside for them; \(retry)"
        case .draining: "the server is stopping; \(retry)"
        }
    }
}
