import DurableStorage

/// Why a call to the jobs did not do what it says.
public enum JobError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The job was not taken.
    case rejected(JobRejection)
    /// There is no such job, or it is another client's.
    case notFound(JobID)
    /// The job had ended, and its result is kept no longer.
    case expired(JobID)
    /// The job has no result in this state.
    case noResult(JobID, state: JobState)
    /// The key was used for another payload.
    case idempotencyConflict(key: String, existing: JobID)
    /// An option outside of its range.
    case invalidOption(name: String, value: String, expected: String)
    /// As many listen to this job as may.
    case tooManySubscribers(limit: Int)
    /// A cursor that no page gave.
    case invalidCursor(String)
    /// The store failed.
    case storage(StorageError)

    public var description: String {
        switch self {
        case .rejected(let rejection): rejection.description
        case .notFound(let id): "there is no job \(id)"
        case .expired(let id): "the result of job \(id) is no longer kept"
        case .noResult(let id, let state): "job \(id) is \(state.rawValue) and has no result"
        case .idempotencyConflict(let key, let existing):
            "the idempotency key '\(key)' belongs to job \(existing), which was another request; use a new key"
        case .invalidOption(let name, let value, let expected): "\(name) is \(value), but must be \(expected)"
        case .tooManySubscribers(let limit): "\(limit) connections follow this job already"
        case .invalidCursor(let cursor): "'\(cursor)' is no cursor; take the one of the page before"
        case .storage(let error): error.description
        }
    }
}
