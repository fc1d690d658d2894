import Dispatch
import QwenImage
import Synchronization

/// The waiting line of one engine: one job runs, a bounded number waits, in the order they came.
final class DecompositionQueue: Sendable {
    /// A job in the line.
    private struct Job: Sendable {
        let number: UInt64
        let run: @Sendable () -> Void
    }

    private struct State: Sendable {
        var waiting: [Job] = []
        var isRunning = false
        var lastNumber: UInt64 = 0
        /// Smoothed wall time of a job, for `Retry-After`.
        var jobSeconds = 1.0
    }

    private let waitingLimit: Int
    private let state = Mutex(State())
    private let engine = DispatchQueue(label: "mica.engine")

    init(waitingLimit: Int) {
        self.waitingLimit = waitingLimit
    }

    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Puts a job in the line; `run` is called on the engine's serial queue. Throws `queueFull`.
    ///
    /// Once `request` is cancelled, a job that still waits leaves the line at once, and its `run` is let go.
    func add(cancellation request: (@escaping @Sendable () -> Void) -> Void, run: @escaping @Sendable () -> Void)
        throws(ServiceError)
    {
        let outcome = state.withLock { state -> Result<(number: UInt64, starts: Bool), ServiceError> in
            if state.isRunning, state.waiting.count >= waitingLimit {
                let seconds = (state.jobSeconds * Double(state.waiting.count + 1)).rounded(.up)
                return .failure(.queueFull(retryAfterSeconds: Int(min(max(seconds, 1), 3600))))
            }
            state.lastNumber += 1
            state.waiting.append(Job(number: state.lastNumber, run: run))
            defer { state.isRunning = true }
            return .success((state.lastNumber, !state.isRunning))
        }
        let (number, starts) = try outcome.get()
        request { [weak self] in self?.remove(number) }
        if starts { engine.async { self.runAll() } }
    }

    private func remove(_ number: UInt64) {
        // The job is let go outside of the lock: its end may run code of others.
        _ = state.withLock { state in
            state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0) }
        }
    }

    private func runAll() {
        dispatchPrecondition(condition: .onQueue(engine))
        while let job = next() {
            let start = ContinuousClock.now
            job.run()
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            state.withLock { $0.jobSeconds += (seconds - $0.jobSeconds) / 4 }
        }
    }

    private func next() -> Job? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isRunning = false
                return nil
            }
            return state.waiting.removeFirst()
        }
    }
}
