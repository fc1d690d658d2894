/// Why a job failed.
public enum JobFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// Its time was over, before it ran or while it did.
    case deadlineExceeded
    /// It was tried twice, and the server stopped both times.
    case serverStoppedTwice
    /// The server stops and keeps nothing of this job.
    case serverStopping
    /// What it needs could not be read, or its result not be kept.
    case storage(String)
    /// The worker's own reason: a stable code and a line for the client.
    case execution(code: String, message: String)

    /// A stable word for machines.
    public var code: String {
        switch self {
        case .deadlineExceeded: "deadline_exceeded"
        case .serverStoppedTwice: "server_stopped_twice"
        case .serverStopping: "server_stopping"
        case .storage: "storage"
        case .execution(let code, _): code
        }
    }

    /// A line for the client.
    public var description: String {
        switch self {
        case .deadlineExceeded: "deadline exceeded"
        case .serverStoppedTwice: "the server stopped twice while this job ran"
        case .serverStopping: "the server is stopping; send the request again"
        case .storage(let detail): detail
        case .execution(_, let message): message
        }
    }

    /// The failure that a store has under this code.
    init(code: String, message: String) {
        switch code {
        case "deadline_exceeded": self = .deadlineExceeded
        case "server_stopped_twice": self = .serverStoppedTwice
        case "server_stopping": self = .serverStopping
        case "storage": self = .storage(message)
        default: self = .execution(code: code, message: message)
        }
    }
}
