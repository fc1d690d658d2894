/// What the service knows, behind its lock. No call here blocks or calls out.
struct JobServiceState: Sendable {
    /// A waiting job's place.
    struct Place: Sendable {
        let position: Int
        let costAhead: Double
    }

    var queue: JobQueue { didSet { places = nil } }
    var live: [JobID: LiveJob] = [:]
    var ended: [JobID: EndedJob] = [:]
    /// The ids of `ended`, by their end.
    var endedOrder: [JobID] = []
    private var endedByteCount = 0
    /// Workers without work.
    var idleWorkers: [Int] = []
    var estimate = RunTimeEstimate()
    var metrics = JobMetrics()
    var lastOrder: Int64 = 0
    var isRestored = false
    var isStarted = false
    var isDraining = false
    /// True once the drain is over: jobs that live go on with the next start, if they are durable.
    var isSuspended = false
    /// Called once nothing runs any more.
    var drained: [@Sendable () -> Void] = []
    /// When the next look at deadlines is arranged for.
    var wakeAt: JobInstant?
    /// When to look for what is kept no longer, in seconds of the clock that never jumps: one that is set back must not
    /// put it off.
    var sweepAt = 0.0
    /// Computed when asked for, and valid until the queue changes.
    private var places: [JobID: Place]?

    init(limits: JobQueue.Limits) {
        queue = JobQueue(limits: limits)
    }

    // MARK: Places

    mutating func place(of id: JobID) -> Place? {
        if let places { return places[id] }
        var made: [JobID: Place] = [:]
        var cost = 0.0
        for (position, entry) in queue.order().enumerated() {
            made[entry.id] = Place(position: position, costAhead: cost)
            cost += entry.cost
        }
        places = made
        return made[id]
    }

    func estimatedStart(costAhead: Double, elapsedSeconds: Double) -> Double? {
        let running = live.values.filter(\.isRunning).map { job in
            (cost: job.record.cost, seconds: elapsedSeconds - (job.startedAt ?? elapsedSeconds))
        }
        return estimate.secondsUntilStart(costAhead: costAhead, running: running, workers: metrics.workers.count)
    }

    /// Seconds until a place is free, or until the client has one.
    mutating func retryAfter(_ reason: JobRejection.Reason, client: String, elapsedSeconds: Double) -> Double {
        /// Before anything was measured.
        let unknown = 5.0
        switch reason {
        case .queueFull, .waitingBytesFull:
            // A place is free when the next job starts.
            return estimatedStart(costAhead: 0, elapsedSeconds: elapsedSeconds) ?? unknown
        case .draining:
            // Another instance, or the next start of this one, does not wait for what runs here.
            return unknown
        case .tooManyJobsOfClient:
            guard let first = queue.order().first(where: { $0.client == client }), let place = place(of: first.id)
            else {
                return unknown
            }
            return estimatedStart(costAhead: place.costAhead, elapsedSeconds: elapsedSeconds) ?? unknown
        }
    }

    /// Those who follow jobs that wait, to be told that the queue moved.
    func waitingSubscribers() -> [JobSubscription] {
        live.values.filter { $0.phase == .waiting }.flatMap(\.subscribers)
    }

    // MARK: Moves

    mutating func nextOrder() -> Int64 {
        lastOrder += 1
        return lastOrder
    }

    /// Takes waiting jobs out of the queue for their end; returns their ids.
    mutating func removeWaiting(where isWanted: (JobQueueEntry) -> Bool) -> [JobID] {
        let ids = queue.remove(where: isWanted).map(\.id)
        for id in ids { live[id]?.phase = .ending }
        return ids
    }

    /// Lets go of a request in memory.
    mutating func takeBody(_ id: JobID) -> [UInt8]? {
        let body = live[id]?.body
        live[id]?.body = nil
        metrics.waitingBytes -= body?.count ?? 0
        return body
    }

    /// The most jobs that are kept in memory after their end.
    private static let endedLimit = 1000

    /// Keeps an ended job in memory. The oldest go when there are too many or too large, but never one that the store
    /// has yet to take.
    mutating func keep(_ job: EndedJob, byteLimit: Int) {
        ended[job.record.id] = job
        endedOrder.append(job.record.id)
        endedByteCount += job.byteCount
        for id in endedOrder.dropLast() {
            guard endedByteCount > byteLimit || endedOrder.count > Self.endedLimit else { return }
            if ended[id]?.isDurable == false { forgetEnded(id) }
        }
    }

    mutating func forgetEnded(_ id: JobID) {
        guard let job = ended.removeValue(forKey: id) else { return }
        endedByteCount -= job.byteCount
        endedOrder.removeAll { $0 == id }
    }

    /// True while a worker or a caller is busy with a job.
    var isBusy: Bool { live.values.contains { $0.phase != .waiting } }

    /// The callbacks to call if the drain is over now.
    mutating func takeDrained() -> [@Sendable () -> Void] {
        guard isDraining, !isBusy else { return [] }
        defer { drained = [] }
        return drained
    }
}
