/// A job as the queue sees it.
struct JobQueueEntry: Sendable, Equatable {
    let id: JobID
    let client: String
    let priority: JobPriority
    let cost: Double
    let deadline: JobInstant?
    /// Rises with each accepted job; a client's own jobs start in this order.
    let sequence: Int64
}
