import Synchronization

/// Follows one job. What happens is kept until it is taken, in a bounded buffer: a slow taker loses the oldest
/// progress, never the end.
public final class JobSubscription: Sendable {
    private enum Pending {
        case moved
        case started
        case progress(JobProgress)
    }

    private enum End {
        case ended(JobSnapshot)
        case suspended
    }

    private struct State {
        var pending: [Pending] = []
        var end: End?
        /// True once the end was taken, or the subscription cancelled: nothing comes any more.
        var isOver = false
        /// True while `notify` was called and nothing taken since.
        var isNotified = false
    }

    /// A job's place in the queue; nil if it does not wait.
    typealias Place = (position: Int, estimatedStartSeconds: Double?)

    private let state = Mutex(State())
    private let progressLimit: Int
    private let notify: @Sendable () -> Void
    private let place: @Sendable () -> Place?
    private let leave: @Sendable (JobSubscription) -> Void

    init(
        progressLimit: Int, notify: @escaping @Sendable () -> Void, place: @escaping @Sendable () -> Place?,
        leave: @escaping @Sendable (JobSubscription) -> Void
    ) {
        self.progressLimit = progressLimit
        self.notify = notify
        self.place = place
        self.leave = leave
    }

    /// What happened since the last call, in order; `ended` is the last event of all. Never blocks.
    public func take() -> [JobEvent] {
        let (pending, end) = state.withLock { state -> ([Pending], End?) in
            guard !state.isOver else { return ([], nil) }
            defer { state.pending = [] }
            state.isNotified = false
            state.isOver = state.end != nil
            return (state.pending, state.end)
        }
        var events = pending.compactMap { pending -> JobEvent? in
            switch pending {
            // The place is looked up only now, so that it is told as it is and not as it was.
            case .moved: end == nil ? place().map { .waiting(position: $0, estimatedStartSeconds: $1) } : nil
            case .started: .started
            case .progress(let progress): .progress(progress)
            }
        }
        switch end {
        case .ended(let snapshot): events.append(.ended(snapshot))
        case .suspended:
            events.append(.suspended)
            // An ended job has let go of its followers; this one lives.
            leave(self)
        case nil: break
        }
        return events
    }

    /// Follows the job no longer; `notify` is not called any more once this has returned and calls under way are over.
    public func cancel() {
        let wasOver = state.withLock { state in
            defer {
                state.isOver = true
                state.pending = []
            }
            return state.isOver
        }
        if !wasOver { leave(self) }
    }

    // MARK: For the service, without its lock

    func offerMoved() {
        offer { pending in
            pending.removeAll { if case .moved = $0 { true } else { false } }
            pending.append(.moved)
        }
    }

    func offerStarted() {
        offer { $0.append(.started) }
    }

    func offer(_ progress: JobProgress) {
        offer { [progressLimit] pending in
            let reports = pending.indices.filter { if case .progress = pending[$0] { true } else { false } }
            if reports.count >= progressLimit { pending.remove(at: reports[0]) }
            pending.append(.progress(progress))
        }
    }

    func offerEnd(_ snapshot: JobSnapshot) {
        signal { state in state.end = .ended(snapshot) }
    }

    func offerSuspended() {
        signal { state in if state.end == nil { state.end = .suspended } }
    }

    private func offer(_ change: (inout [Pending]) -> Void) {
        // A thread of the executor may report after the end.
        signal { state in if state.end == nil { change(&state.pending) } }
    }

    private func signal(_ change: (inout State) -> Void) {
        let isNews = state.withLock { state in
            guard !state.isOver else { return false }
            change(&state)
            defer { state.isNotified = true }
            return !state.isNotified
        }
        if isNews { notify() }
    }
}
