/// How a job ends.
enum JobOutcome: Sendable {
    case succeeded([JobResultFile])
    case failed(JobFailure)
    case cancelled
}
