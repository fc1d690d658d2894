/// All that is known of a job but its bytes.
struct JobRecord: Sendable, Equatable {
    let id: JobID
    let client: String
    let priority: JobPriority
    let cost: Double
    let metadata: String
    let createdAt: JobInstant
    let deadline: JobInstant?
    let idempotencyKey: String?
    let payloadDigest: [UInt8]?
    let requestByteCount: Int

    /// Rises with each job that the store took.
    var sequence: Int64 = 0
    private(set) var state = JobState.queued
    var startedAt: JobInstant?
    var endedAt: JobInstant?
    /// Times that a worker began it.
    var attempts = 0
    var endRequest = JobEndRequest.none
    var failure: JobFailure?
    var files: [JobResultFile.Description] = []

    var resultByteCount: Int { files.reduce(0) { $0 + $1.byteCount } }

    /// Moves the state on; one that cannot be is our own mistake.
    mutating func apply(_ transition: JobTransition) {
        guard let next = state.after(transition) else {
            preconditionFailure("a job that is \(state.rawValue) cannot \(transition.rawValue)")
        }
        state = next
    }

    /// Applies an end.
    mutating func end(_ outcome: JobOutcome, at instant: JobInstant) {
        switch outcome {
        case .succeeded(let files):
            apply(.succeed)
            self.files = files.map(\.about)
        case .failed(let failure):
            apply(.fail)
            self.failure = failure
        case .cancelled: apply(.cancel)
        }
        endedAt = instant
    }

    /// The state that a store has.
    mutating func restore(state: JobState) {
        self.state = state
    }
}
