/// Where a job is in its life.
public enum JobState: String, Sendable, CaseIterable {
    /// It waits for a worker.
    case queued
    /// A worker has it.
    case running
    /// Its result can be fetched.
    case succeeded
    /// It ended without a result, for a reason.
    case failed
    /// Its client took it back.
    case cancelled
    /// It had ended; its result has been removed since.
    case expired

    /// True once nothing but `expired` can follow.
    public var isFinished: Bool {
        switch self {
        case .queued, .running: false
        case .succeeded, .failed, .cancelled, .expired: true
        }
    }

    /// The state after `transition`; nil where that cannot happen.
    public func after(_ transition: JobTransition) -> JobState? {
        switch (self, transition) {
        case (.queued, .start): .running
        case (.queued, .fail), (.running, .fail): .failed
        case (.queued, .cancel), (.running, .cancel): .cancelled
        case (.running, .succeed): .succeeded
        case (.running, .requeue): .queued
        case (.succeeded, .expire), (.failed, .expire), (.cancelled, .expire): .expired
        default: nil
        }
    }
}
