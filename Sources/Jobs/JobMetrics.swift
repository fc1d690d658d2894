/// Numbers of the jobs at one moment. Totals count from the server's start.
public struct JobMetrics: Sendable, Equatable {
    /// A worker.
    public struct Worker: Sendable, Equatable {
        /// The name it was given.
        public let name: String
        /// The job that it has.
        public internal(set) var job: JobID?
        /// Jobs that it has ended.
        public internal(set) var endedTotal = 0
        /// Times that it broke.
        public internal(set) var faultTotal = 0
        /// Times that it broke since it last did a job.
        public internal(set) var consecutiveFaults = 0
    }

    /// Jobs that wait, by priority.
    public internal(set) var waiting: [JobPriority: Int] = [:]
    /// Jobs that run.
    public internal(set) var running = 0
    /// Bytes of waiting requests in memory.
    public internal(set) var waitingBytes = 0
    /// Jobs taken.
    public internal(set) var acceptedTotal = 0
    /// Jobs ended, by their state.
    public internal(set) var endedTotal: [JobState: Int] = [:]
    /// Jobs not taken, by `JobRejection.Reason.code`.
    public internal(set) var rejectedTotal: [String: Int] = [:]
    /// Calls of the store that failed.
    public internal(set) var storeFailureTotal = 0
    /// Each worker, in the order in which they were given.
    public internal(set) var workers: [Worker] = []
    /// True once `drain` was called.
    public internal(set) var isDraining = false
    /// Seconds until a new job of normal priority would start, as far as can be told.
    public internal(set) var estimatedWaitSeconds: Double?
}
