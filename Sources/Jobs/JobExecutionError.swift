/// How work ends without a result.
public enum JobExecutionError: Error, Sendable, Equatable {
    /// It stopped because its cancellation was raised.
    case cancelled
    /// It cannot be done: a stable code and a line for the client.
    case failed(code: String, message: String)
    /// The worker itself broke, for instance its device; counted by worker. The next job may do well or not.
    case workerFault(code: String, message: String)
}
