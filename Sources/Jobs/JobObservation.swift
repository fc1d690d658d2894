/// Something that metrics count or a log tells.
public enum JobObservation: Sendable {
    /// A job was taken.
    case accepted(JobSnapshot)
    /// A job was not taken.
    case rejected(JobRejection, client: String)
    /// A job began, after this many seconds in the queue.
    case started(JobID, waitedSeconds: Double)
    /// A job ended. `ranSeconds` is of its last attempt, nil if there was none; `totalSeconds` since it was accepted,
    /// or since the server's start if that was later.
    case ended(JobSnapshot, ranSeconds: Double?, totalSeconds: Double)
    /// Something for the log.
    case notice(JobNotice)
}
