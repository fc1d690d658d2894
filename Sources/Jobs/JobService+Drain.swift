import Dispatch
import Synchronization

extension JobService {
    /// Stops: takes and starts no job any more, lets running ones end within the grace, and then asks them to stop.
    /// Those that are durable go back to the store for the next start, without this attempt being counted; others fail
    /// with `serverStopping`, as do waiting ones that are not durable. Blocks until all that is done, at most for the
    /// grace and `stopSeconds`.
    public func drain(graceSeconds: Double) {
        let done = DispatchSemaphore(value: 0)
        drain(graceSeconds: graceSeconds) { done.signal() }
        done.wait()
    }

    /// As the other `drain`, but returns as soon as waiting jobs are seen to and calls `completion` once all is done.
    /// After that a job still runs only if it did not heed its cancellation; it counts as tried. Whoever follows a job
    /// that has not ended is told that it is suspended.
    public func drain(graceSeconds: Double, completion: @escaping @Sendable () -> Void) {
        let once = OnceAction { [weak self] in
            self?.suspend()
            completion()
        }
        let lost = state.withLock { state in
            state.isDraining = true
            state.drained.append { once.run() }
            let transient = Set(state.live.values.filter { !$0.isDurable }.map(\.record.id))
            return state.removeWaiting { transient.contains($0.id) }
        }
        for id in lost { end(id, .failed(.serverStopping)) }
        for action in state.withLock({ $0.takeDrained() }) { action() }
        clock.schedule(afterSeconds: graceSeconds) { [weak self] in self?.stopRunning(once) }
    }

    private func suspend() {
        let followers = state.withLock { state in
            state.isSuspended = true
            return state.live.values.flatMap(\.subscribers)
        }
        for follower in followers { follower.offerSuspended() }
    }

    private func stopRunning(_ once: OnceAction) {
        let running = state.withLock { state in state.live.values.filter(\.isRunning).map(\.cancellation) }
        for cancellation in running { cancellation.raise(.shutdown) }
        clock.schedule(afterSeconds: configuration.stopSeconds) { [weak self] in self?.giveUp(once) }
    }

    private func giveUp(_ once: OnceAction) {
        let running = state.withLock { state in state.live.values.filter(\.isRunning).map(\.record.id) }
        if !running.isEmpty { notice(.stillRunning(jobs: running)) }
        once.run()
    }
}
