import DurableStorage
import Synchronization

/// Takes jobs, has them done by workers, and keeps what becomes of them.
///
/// Knows nothing of the work itself: a payload goes in, files come out. All calls may be made from any thread; those
/// that say so block while the store works, so they belong on a Dispatch queue and never in a Swift `Task` or on the
/// event loop. Callbacks are called without any lock held.
public final class JobService: Sendable {
    let configuration: JobConfiguration
    let store: JobStore?
    let clock: any JobClock
    let workers: [JobWorker]
    let state: Mutex<JobServiceState>
    private let observer: (any JobObserver)?

    /// Creates a service. Without a store, only jobs that are not durable are taken.
    public init(
        configuration: JobConfiguration = JobConfiguration(), workers: [JobWorkerDescription], store: JobStore?,
        clock: any JobClock = SystemJobClock(), observer: (any JobObserver)? = nil
    ) {
        self.configuration = configuration
        self.store = store
        self.clock = clock
        self.observer = observer
        self.workers = workers.enumerated().map { JobWorker(index: $0, $1) }
        var state = JobServiceState(
            limits: JobQueue.Limits(waiting: configuration.waitingLimit, client: configuration.clientLimits))
        state.metrics.workers = workers.map { JobMetrics.Worker(name: $0.name) }
        self.state = Mutex(state)
    }

    /// Brings the store's jobs in order without beginning any, so that a start of the server which fails after this
    /// costs no job an attempt. `limits` says what a client of before may take, nil if it has no limits of its own.
    /// Blocks. For once, before any other call. Throws what the store throws.
    public func restore(limits: (_ client: String) -> JobClientLimits? = { _ in nil }) throws(StorageError) {
        let now = clock.now
        let recovery = try store?.recover(now: now) ?? JobStore.Recovery()
        // Asked for without the lock: whoever knows them may have a lock of its own.
        let ownLimits = recovery.queued.map { limits($0.client) }
        let elapsed = clock.elapsedSeconds
        state.withLock { state in
            precondition(!state.isRestored, "the jobs were restored twice")
            state.isRestored = true
            for (record, limits) in zip(recovery.queued, ownLimits) {
                var job = LiveJob(record: record, isDurable: true, acceptedAt: elapsed)
                job.phase = .waiting
                job.order = state.nextOrder()
                state.live[record.id] = job
                state.queue.restore(job.queueEntry, limits: limits)
            }
            for record in recovery.ended { state.metrics.endedTotal[record.state, default: 0] += 1 }
        }
        for record in recovery.ended {
            observe(.ended(storedSnapshot(record), ranSeconds: nil, totalSeconds: 0))
        }
        if !recovery.queued.isEmpty || !recovery.ended.isEmpty {
            let failed = recovery.ended.count { $0.state == .failed }
            notice(.resumed(queued: recovery.queued.count, triedAgain: recovery.triedAgain, failed: failed))
        }
    }

    /// Begins to work. For once, after `restore` if there is a store: jobs that came in between wait.
    public func start() {
        state.withLock { state in
            precondition(state.isRestored || store == nil, "the store's jobs were not restored")
            precondition(!state.isStarted, "the jobs were started twice")
            state.isStarted = true
            state.sweepAt = clock.elapsedSeconds
        }
        for worker in workers { worker.dispatch { [weak self] in self?.work($0) } }
        wake()
    }

    /// Numbers for metrics and readiness. Never blocks.
    public var metrics: JobMetrics {
        let elapsed = clock.elapsedSeconds
        return state.withLock { state in
            var metrics = state.metrics
            for priority in JobPriority.allCases { metrics.waiting[priority] = state.queue.waitingCount(priority) }
            metrics.running = state.queue.runningCount
            metrics.isDraining = state.isDraining
            let cost = state.live.values.filter { $0.phase == .waiting && $0.record.priority <= .normal }
                .reduce(0) { $0 + $1.record.cost }
            metrics.estimatedWaitSeconds = state.estimatedStart(costAhead: cost, elapsedSeconds: elapsed)
            return metrics
        }
    }

    // MARK: Telling

    func observe(_ observation: JobObservation) { observer?.observe(observation) }

    func notice(_ notice: JobNotice) { observe(.notice(notice)) }

    func storeFailed(_ operation: String, _ id: JobID, _ error: StorageError) {
        state.withLock { $0.metrics.storeFailureTotal += 1 }
        notice(.storeFailed(operation: operation, job: id, error: error))
    }

    // MARK: Snapshots

    /// A job of the store that is not in memory.
    func storedSnapshot(_ record: JobRecord) -> JobSnapshot {
        JobSnapshot(record, isDurable: true, keptSeconds: store?.retention.resultSeconds ?? 0)
    }

    func endedSnapshot(_ job: EndedJob) -> JobSnapshot {
        job.isDurable
            ? storedSnapshot(job.record)
            : JobSnapshot(job.record, isDurable: false, keptSeconds: configuration.transientResultSeconds)
    }

    func liveSnapshot(_ job: LiveJob, _ state: inout JobServiceState, elapsed: Double) -> JobSnapshot {
        var snapshot = JobSnapshot(job.record, isDurable: job.isDurable, keptSeconds: 0)
        snapshot.progress = job.progress
        snapshot.progress?.preview = nil
        if job.phase == .waiting, let place = state.place(of: job.record.id) {
            snapshot.position = place.position
            snapshot.estimatedStartSeconds = state.estimatedStart(costAhead: place.costAhead, elapsedSeconds: elapsed)
        }
        return snapshot
    }
}
