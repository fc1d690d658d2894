/// A job that has not ended.
struct LiveJob: Sendable {
    /// What the service does with it just now.
    enum Phase: Sendable, Equatable {
        /// It is being stored; the queue holds a place for it.
        case accepting
        /// The queue has it.
        case waiting
        /// The worker of this index has it.
        case running(worker: Int)
        /// Its end is being stored; nothing else can happen to it.
        case ending
    }

    var record: JobRecord
    let isDurable: Bool
    let cancellation = JobCancellation()
    /// Its place among those of its client.
    var order: Int64 = 0
    var phase = Phase.accepting
    /// The request of a job that is not durable, until a worker takes it.
    var body: [UInt8]?
    var progress: JobProgress?
    var subscribers: [JobSubscription] = []
    /// Seconds on the clock that never jumps.
    let acceptedAt: Double
    var startedAt: Double?

    var queueEntry: JobQueueEntry {
        JobQueueEntry(
            id: record.id, client: record.client, priority: record.priority, cost: record.cost,
            deadline: record.deadline, sequence: order)
    }

    var isRunning: Bool { if case .running = phase { true } else { false } }
}
