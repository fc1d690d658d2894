import DurableStorage
import Synchronization

extension JobService {
    /// Takes a job. Once this returns, a durable job survives a kill of the server. Blocks while the request is stored.
    ///
    /// Throws `rejected` when something is full, `idempotencyConflict`, `invalidOption`, and `storage` for a durable
    /// job that could not be kept; there is no job then.
    public func submit(_ payload: JobPayload, options: JobOptions) throws(JobError) -> JobSubmission {
        try check(payload, options)
        let isDurable = options.isDurable || options.idempotencyKey != nil
        guard !isDurable || store != nil else { throw .storage(.unavailable) }
        let now = clock.now
        let record = JobRecord(
            id: JobID(), client: options.client, priority: options.priority, cost: options.cost,
            metadata: payload.metadata, createdAt: now,
            deadline: options.deadlineSeconds.map { now.advanced(bySeconds: $0) },
            idempotencyKey: options.idempotencyKey,
            payloadDigest: options.idempotencyKey == nil ? nil : payload.digest, requestByteCount: payload.body.count)
        guard isDurable, let store else {
            try reserve(record, options, body: payload.body)
            return JobSubmission(job: enter(record), isReplay: false)
        }
        // A repeated request is answered even when the queue is full.
        if let replay = try replay(of: record, store) { return replay }
        try reserve(record, options, body: nil)
        let accepted: JobRecord
        do {
            accepted = try store.accept(record, body: payload.body)
        } catch {
            giveBack(record)
            storeFailed("keep the request", record.id, error)
            throw .storage(error)
        }
        guard accepted.id == record.id else {
            giveBack(record)
            return try answer(record, with: accepted)
        }
        return JobSubmission(job: enter(accepted), isReplay: false)
    }

    private func check(_ payload: JobPayload, _ options: JobOptions) throws(JobError) {
        guard options.cost > 0, options.cost.isFinite else {
            throw .invalidOption(name: "cost", value: "\(options.cost)", expected: "a number above 0")
        }
        if let deadline = options.deadlineSeconds, !(deadline > 0 && deadline.isFinite) {
            throw .invalidOption(name: "deadline", value: "\(deadline)", expected: "a number of seconds above 0")
        }
        if let key = options.idempotencyKey {
            guard (1...JobOptions.idempotencyKeyByteLimit).contains(key.utf8.count) else {
                throw .invalidOption(
                    name: "idempotency key", value: "\(key.utf8.count) bytes long",
                    expected: "1 to \(JobOptions.idempotencyKeyByteLimit) bytes long")
            }
        }
        guard payload.metadata.utf8.count <= JobPayload.metadataByteLimit else {
            throw .invalidOption(
                name: "metadata", value: "\(payload.metadata.utf8.count) bytes long",
                expected: "at most \(JobPayload.metadataByteLimit) bytes long")
        }
    }

    // MARK: Idempotency

    private func replay(of record: JobRecord, _ store: JobStore) throws(JobError) -> JobSubmission? {
        guard let key = record.idempotencyKey else { return nil }
        let existing: JobRecord?
        do {
            existing = try store.job(client: record.client, idempotencyKey: key)
        } catch {
            storeFailed("look up the idempotency key", record.id, error)
            throw .storage(error)
        }
        return if let existing { try answer(record, with: existing) } else { nil }
    }

    private func answer(_ record: JobRecord, with existing: JobRecord) throws(JobError) -> JobSubmission {
        guard existing.payloadDigest == record.payloadDigest else {
            throw .idempotencyConflict(key: record.idempotencyKey ?? "", existing: existing.id)
        }
        return JobSubmission(job: memorySnapshot(existing.id) ?? storedSnapshot(existing), isReplay: true)
    }

    // MARK: The queue

    private func reserve(_ record: JobRecord, _ options: JobOptions, body: [UInt8]?) throws(JobError) {
        let elapsed = clock.elapsedSeconds
        let rejection = state.withLock { state -> JobRejection? in
            var reason: JobRejection.Reason?
            if state.isDraining {
                reason = .draining
            } else if let body, state.metrics.waitingBytes + body.count > configuration.waitingByteLimit {
                reason = .waitingBytesFull(limit: configuration.waitingByteLimit)
            } else {
                do throws(JobQueueRefusal) {
                    try state.queue.reserve(client: record.client, limits: options.limits)
                } catch {
                    reason = error.reason
                }
            }
            if let reason {
                state.metrics.rejectedTotal[reason.code, default: 0] += 1
                let seconds = state.retryAfter(reason, client: record.client, elapsedSeconds: elapsed)
                return JobRejection(reason, retryAfterSeconds: seconds)
            }
            var job = LiveJob(record: record, isDurable: body == nil, acceptedAt: elapsed)
            job.body = body
            state.live[record.id] = job
            state.metrics.waitingBytes += body?.count ?? 0
            return nil
        }
        guard let rejection else { return }
        observe(.rejected(rejection, client: record.client))
        throw .rejected(rejection)
    }

    private func giveBack(_ record: JobRecord) {
        let drained = state.withLock { state in
            state.queue.giveBack(client: record.client)
            state.live[record.id] = nil
            return state.takeDrained()
        }
        for action in drained { action() }
    }

    /// Puts a job into its reserved place, and wakes a worker.
    private func enter(_ record: JobRecord) -> JobSnapshot {
        let id = record.id
        let elapsed = clock.elapsedSeconds
        let (snapshot, worker, isLost, drained) = state.withLock { state in
            let order = state.nextOrder()
            guard var job = state.live[id] else { preconditionFailure("job \(id) vanished while it was accepted") }
            // A client that took it back in the meantime has left its mark there.
            let endRequest = job.record.endRequest
            job.record = record
            job.record.endRequest = endRequest
            job.order = order
            job.phase = .waiting
            state.live[id] = job
            state.queue.enterReserved(job.queueEntry)
            state.metrics.acceptedTotal += 1
            let snapshot = liveSnapshot(job, &state, elapsed: elapsed)
            // A client that has gone, or a drain that began, while the request was stored. The mark is there before the
            // cancellation is raised.
            let isLost = endRequest != .none || (state.isDraining && !job.isDurable)
            if isLost { _ = state.removeWaiting { $0.id == id } }
            let worker = isLost ? nil : state.idleWorkers.popLast()
            return (snapshot, worker, isLost, state.takeDrained())
        }
        observe(.accepted(snapshot))
        if isLost { end(id, snapshot.isCancelling ? .cancelled : .failed(.serverStopping)) }
        if let worker { workers[worker].dispatch { [weak self] in self?.work($0) } }
        if let deadline = record.deadline { arrangeWake(at: deadline) }
        for action in drained { action() }
        return snapshot
    }
}
