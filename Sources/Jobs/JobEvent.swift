/// What happens to a job, for those who follow it.
public enum JobEvent: Sendable, Equatable {
    /// It waits; `position` jobs start before it.
    case waiting(position: Int, estimatedStartSeconds: Double?)
    /// A worker has it.
    case started
    /// It is this far.
    case progress(JobProgress)
    /// The service stops before the job has ended; a durable job goes on with the next start. Nothing comes after this.
    case suspended
    /// It ended. Nothing comes after this.
    case ended(JobSnapshot)
}
