/// What can happen to a job.
public enum JobTransition: String, Sendable, CaseIterable {
    /// A worker takes it.
    case start
    /// The worker has its result.
    case succeed
    /// It cannot be done, or not in time.
    case fail
    /// Its client takes it back.
    case cancel
    /// It goes back to the queue: the server stopped while it ran.
    case requeue
    /// It is kept no longer.
    case expire
}
