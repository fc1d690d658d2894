import DurableStorage
import Synchronization

extension JobService {
    /// Does jobs until none is left for this worker, on the worker's queue.
    func work(_ worker: JobWorker) {
        while let job = claim(worker) { run(job, worker) }
    }

    private func claim(_ worker: JobWorker) -> LiveJob? {
        let now = clock.now
        let elapsed = clock.elapsedSeconds
        let (overdue, job, moved) = state.withLock { state -> ([JobID], LiveJob?, [JobSubscription]) in
            let overdue = state.removeWaiting { $0.deadline.map { $0 <= now } ?? false }
            guard !state.isDraining, let entry = state.queue.take(), var job = state.live[entry.id] else {
                state.idleWorkers.append(worker.index)
                return (overdue, nil, [])
            }
            job.record.apply(.start)
            job.record.startedAt = now
            job.record.attempts += 1
            job.startedAt = elapsed
            job.phase = .running(worker: worker.index)
            job.progress = nil
            state.live[entry.id] = job
            state.metrics.workers[worker.index].job = entry.id
            return (overdue, job, state.waitingSubscribers())
        }
        for id in overdue { end(id, .failed(.deadlineExceeded)) }
        if let job {
            for subscriber in job.subscribers { subscriber.offerStarted() }
            observe(.started(job.record.id, waitedSeconds: elapsed - job.acceptedAt))
        }
        for subscriber in moved { subscriber.offerMoved() }
        return job
    }

    private func run(_ job: LiveJob, _ worker: JobWorker) {
        if let outcome = outcome(of: job, worker) { end(job.record.id, outcome) } else { requeue(job.record.id) }
    }

    /// Does the work; nil if the job goes back to the queue.
    private func outcome(of job: LiveJob, _ worker: JobWorker) -> JobOutcome? {
        let (id, attempt) = (job.record.id, job.record.attempts)
        let body: [UInt8]
        do throws(StorageError) {
            body = try self.body(job)
        } catch {
            storeFailed("begin the work", id, error)
            return .failed(.storage(error.description))
        }
        let payload = JobPayload(metadata: job.record.metadata, body: body)
        let work = JobWork(id: id, client: job.record.client, payload: payload, attempt: attempt) { [weak self] in
            self?.state.withLock { $0.live[id]?.subscribers.isEmpty == false } ?? false
        }
        do throws(JobExecutionError) {
            let files = try worker.execute(work, cancellation: job.cancellation) { [weak self] progress in
                self?.report(progress, id, attempt: attempt)
            }
            return .succeeded(files)
        } catch {
            return outcome(of: error, job, worker)
        }
    }

    /// The request, once it is kept that the job runs.
    private func body(_ job: LiveJob) throws(StorageError) -> [UInt8] {
        guard job.isDurable, let store else {
            return state.withLock { $0.takeBody(job.record.id) } ?? []
        }
        try store.started(job.record)
        return try store.requestBody(job.record.id)
    }

    private func report(_ progress: JobProgress, _ id: JobID, attempt: Int) {
        let subscribers = state.withLock { state -> [JobSubscription] in
            // A thread of the executor may report after the end.
            guard let job = state.live[id], job.isRunning, job.record.attempts == attempt else { return [] }
            state.live[id]?.progress = progress
            return job.subscribers
        }
        for subscriber in subscribers { subscriber.offer(progress) }
    }

    /// How a job ends that its executor left with an error; nil if it goes back to the queue.
    private func outcome(of error: JobExecutionError, _ job: LiveJob, _ worker: JobWorker) -> JobOutcome? {
        switch error {
        case .failed(let code, let message): return .failed(.execution(code: code, message: message))
        case .workerFault(let code, let message):
            state.withLock { state in
                state.metrics.workers[worker.index].faultTotal += 1
                state.metrics.workers[worker.index].consecutiveFaults += 1
            }
            notice(.workerFault(worker: worker.name, job: job.record.id, message: message))
            return .failed(.execution(code: code, message: message))
        case .cancelled:
            switch job.cancellation.reason {
            case .client: return .cancelled
            case .deadline: return .failed(.deadlineExceeded)
            case .shutdown: return job.isDurable ? nil : .failed(.serverStopping)
            case nil: return .failed(.execution(code: "cancelled", message: "the work gave up without being asked to"))
            }
        }
    }

    // MARK: Ends

    /// Ends a job that no queue holds: stores its end, then lets go of it and tells.
    func end(_ id: JobID, _ outcome: JobOutcome) {
        let now = clock.now
        guard
            let job = state.withLock({ state -> LiveJob? in
                guard let job = state.live[id] else { return nil }
                if !job.isRunning { state.live[id]?.phase = .ending }
                return job
            })
        else { return }
        let (record, files, isStored) = store(job, outcome, now)
        var ended = EndedJob(
            record: record, isDurable: job.isDurable, files: job.isDurable ? [] : files, endedAt: clock.elapsedSeconds)
        let elapsed = ended.endedAt
        let (last, drained, moved) = state.withLock { state in
            _ = state.takeBody(id)
            guard let last = state.live.removeValue(forKey: id) else {
                preconditionFailure("job \(id) ended twice")
            }
            if case .running(let worker) = last.phase { leave(worker, last, record.state, elapsed, &state) }
            ended.record.endRequest = last.record.endRequest
            if last.record.endRequest != .delete, !job.isDurable || !isStored {
                state.keep(ended, byteLimit: configuration.transientResultByteLimit)
            }
            state.metrics.endedTotal[record.state, default: 0] += 1
            return (last, state.takeDrained(), state.waitingSubscribers())
        }
        if last.record.endRequest == .delete, job.isDurable { forget(id) }
        let snapshot = endedSnapshot(ended)
        // Before a client can know of the end and do something that is logged too.
        observe(
            .ended(snapshot, ranSeconds: last.startedAt.map { elapsed - $0 }, totalSeconds: elapsed - last.acceptedAt))
        for subscriber in last.subscribers { subscriber.offerEnd(snapshot) }
        for subscriber in moved { subscriber.offerMoved() }
        for action in drained { action() }
    }

    private func leave(
        _ worker: Int, _ job: LiveJob, _ end: JobState, _ elapsed: Double, _ state: inout JobServiceState
    ) {
        state.queue.finish(job.queueEntry)
        state.metrics.workers[worker].job = nil
        state.metrics.workers[worker].endedTotal += 1
        guard end == .succeeded, let startedAt = job.startedAt else { return }
        state.metrics.workers[worker].consecutiveFaults = 0
        state.estimate.add(seconds: elapsed - startedAt, cost: job.record.cost)
    }

    /// Stores an end. A result that cannot be kept makes the job fail; what not even that way can be stored stays in
    /// memory and is tried again later.
    private func store(
        _ job: LiveJob, _ outcome: JobOutcome, _ now: JobInstant
    ) -> (record: JobRecord, files: [JobResultFile], isStored: Bool) {
        var record = job.record
        record.end(outcome, at: now)
        var files: [JobResultFile] = []
        if case .succeeded(let result) = outcome { files = result }
        guard job.isDurable, let store else { return (record, files, false) }
        do throws(StorageError) {
            try store.ended(record, files: files)
            return (record, files, true)
        } catch {
            storeFailed("keep the end", record.id, error)
            guard record.state == .succeeded else { return (record, [], false) }
            return self.store(job, .failed(.storage("the result could not be kept: \(error)")), now)
        }
    }

    func forget(_ id: JobID) {
        do throws(StorageError) {
            try store?.delete(id)
        } catch {
            storeFailed("delete the record", id, error)
        }
    }

    /// Gives a running job back to the queue for the server's next start; the attempt does not count.
    private func requeue(_ id: JobID) {
        let record = state.withLock { state -> JobRecord? in
            guard var job = state.live[id], case .running(let worker) = job.phase else { return nil }
            state.queue.finish(job.queueEntry)
            state.metrics.workers[worker].job = nil
            job.record.apply(.requeue)
            job.record.attempts -= 1
            job.record.startedAt = nil
            job.progress = nil
            // Until it is stored, the drain goes on.
            job.phase = .ending
            state.live[id] = job
            return job.record
        }
        guard let record else { return }
        do throws(StorageError) {
            try store?.requeued(record)
        } catch {
            storeFailed("give back the job", id, error)
        }
        let (subscribers, isTakenBack, drained) = state.withLock {
            state -> ([JobSubscription], Bool, [@Sendable () -> Void]) in
            guard var job = state.live[id] else { return ([], false, []) }
            // Its client has left its mark since the drain asked the job to stop, and counts on its end.
            guard job.record.endRequest == .none else { return ([], true, []) }
            job.phase = .waiting
            state.live[id] = job
            state.queue.restore(job.queueEntry)
            return (job.subscribers, false, state.takeDrained())
        }
        if isTakenBack { return end(id, .cancelled) }
        for subscriber in subscribers { subscriber.offerMoved() }
        for action in drained { action() }
    }
}
