import Dispatch
import Jobs
import Synchronization

/// Waits for a job's end without holding a thread; what happens first (the end, the service's stop, the end of
/// patience, the client's going) is told, and nothing after it.
final class JobWaiter: Sendable {
    private struct State {
        var isOver = false
        var subscription: JobSubscription?
    }

    private let queue: DispatchQueue
    private let end: @Sendable (JobSnapshot?) -> Void
    private let state = Mutex(State())

    /// `end` is called once on `queue`, unless `giveUp` came first. It gets nil if the service stops, or patience ends,
    /// before the job has ended.
    init(queue: DispatchQueue, end: @escaping @Sendable (JobSnapshot?) -> Void) {
        self.queue = queue
        self.end = end
    }

    /// Begins to follow a job; until its end, the jobs keep this waiter alive.
    func follow(_ id: JobID, in jobs: JobService) throws(JobError) {
        let subscription = try jobs.events(id) { [self] in queue.async { [self] in take() } }
        let isLate = state.withLock { state in
            if !state.isOver { state.subscription = subscription }
            return state.isOver
        }
        if isLate { subscription.cancel() } else { queue.async { [self] in take() } }
    }

    /// True if this ended the wait: the job has not ended, and `end` will not be called.
    func giveUp() -> Bool {
        let (wasWaiting, subscription) = finish()
        subscription?.cancel()
        return wasWaiting
    }

    /// The end of patience: `end` gets nil, unless the job has ended.
    func runOut() {
        let (wasWaiting, subscription) = finish()
        subscription?.cancel()
        if wasWaiting { queue.async { [self] in end(nil) } }
    }

    private func take() {
        guard let subscription = state.withLock({ $0.subscription }) else { return }
        for event in subscription.take() {
            switch event {
            case .waiting, .started, .progress: continue
            case .suspended: if finish().wasWaiting { end(nil) }
            case .ended(let snapshot): if finish().wasWaiting { end(snapshot) }
            }
        }
    }

    /// Lets go of the subscription, which holds this waiter too.
    private func finish() -> (wasWaiting: Bool, JobSubscription?) {
        state.withLock { state in
            defer {
                state.isOver = true
                state.subscription = nil
            }
            return (!state.isOver, state.subscription)
        }
    }
}
