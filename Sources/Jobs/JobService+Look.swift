import DurableStorage
import Synchronization

extension JobService {
    /// The most jobs of one page.
    public static var pageLimit: Int { 200 }

    /// The job as it is now. Blocks while the store looks for one that has ended. `client` nil is the operator, who
    /// sees all jobs. Throws `notFound`, also for another client's job, and `storage`.
    public func snapshot(_ id: JobID, client: String? = nil) throws(JobError) -> JobSnapshot {
        guard let snapshot = memorySnapshot(id) else { return storedSnapshot(try stored(id, client)) }
        guard client == nil || client == snapshot.client else { throw .notFound(id) }
        return snapshot
    }

    /// Durable jobs, newest first; those of all clients if `client` is nil. Blocks. Throws `invalidCursor`,
    /// `invalidOption` for a `limit` outside of 1 to `pageLimit`, and `storage`.
    public func list(
        client: String?, state: JobState? = nil, limit: Int = 50, cursor: String? = nil
    ) throws(JobError) -> JobPage {
        guard (1...Self.pageLimit).contains(limit) else {
            throw .invalidOption(name: "limit", value: "\(limit)", expected: "1 to \(Self.pageLimit)")
        }
        var before = Int64.max
        if let cursor {
            guard cursor.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let sequence = Int64(cursor) else {
                throw .invalidCursor(String(cursor.prefix(40)))
            }
            before = sequence
        }
        guard let store else { return JobPage(jobs: [], nextCursor: nil) }
        do {
            // One more than asked for tells whether there is a next page.
            let records = try store.jobs(client: client, state: state, before: before, limit: limit + 1)
            let page = records.prefix(limit)
            let next = records.count > limit ? page.last.map { "\($0.sequence)" } : nil
            return JobPage(jobs: page.map { memorySnapshot($0.id) ?? storedSnapshot($0) }, nextCursor: next)
        } catch {
            throw .storage(error)
        }
    }

    /// The result of a job that succeeded. Blocks while it is opened. Throws `notFound`, `noResult`, `expired`,
    /// `storage`.
    public func result(_ id: JobID, client: String? = nil) throws(JobError) -> JobResult {
        if let job = state.withLock({ $0.ended[id] }), !job.isDurable {
            guard client == nil || client == job.record.client else { throw .notFound(id) }
            guard job.record.state == .succeeded else { throw .noResult(id, state: job.record.state) }
            return JobResult(files: job.record.files, endedAt: job.record.endedAt, content: .memory(job.files))
        }
        let snapshot = try snapshot(id, client: client)
        guard snapshot.state != .expired else { throw .expired(id) }
        guard snapshot.state == .succeeded, let store else { throw .noResult(id, state: snapshot.state) }
        let record = try stored(id, client)
        do {
            return try store.result(record)
        } catch .missing {
            // It expired since the snapshot was taken.
            throw .expired(id)
        } catch {
            throw .storage(error)
        }
    }

    /// Follows a job. `notify` is called whenever there is something to take, on the thread that made it happen: it
    /// must not block. What the job is just now can be taken at once; of one that has ended, the end. Blocks while the
    /// store looks for one that has ended. Throws `notFound`, `tooManySubscribers`, `storage`.
    public func events(
        _ id: JobID, client: String? = nil, notify: @escaping @Sendable () -> Void
    ) throws(JobError) -> JobSubscription {
        let subscription = JobSubscription(
            progressLimit: configuration.progressBufferLimit, notify: notify,
            place: { [weak self] in self?.place(of: id) },
            leave: { [weak self] subscription in self?.remove(subscription, id) })
        enum Found {
            case live(JobProgress?, isRunning: Bool, isSuspended: Bool)
            case full
            case no
        }
        let found = state.withLock { state -> Found in
            guard let job = state.live[id], client == nil || client == job.record.client else { return .no }
            guard job.subscribers.count < configuration.subscriberLimit else { return .full }
            state.live[id]?.subscribers.append(subscription)
            return .live(job.progress, isRunning: job.isRunning, isSuspended: state.isSuspended)
        }
        switch found {
        case .full: throw .tooManySubscribers(limit: configuration.subscriberLimit)
        case .live(let progress, let isRunning, let isSuspended):
            if isRunning { subscription.offerStarted() } else { subscription.offerMoved() }
            if let progress { subscription.offer(progress) }
            if isSuspended { subscription.offerSuspended() }
        case .no:
            let snapshot = try snapshot(id, client: client)
            // The store may have it waiting, but only before `start`.
            guard snapshot.state.isFinished else { throw .notFound(id) }
            subscription.offerEnd(snapshot)
        }
        return subscription
    }

    private func remove(_ subscription: JobSubscription, _ id: JobID) {
        state.withLock { state in state.live[id]?.subscribers.removeAll { $0 === subscription } }
    }

    private func place(of id: JobID) -> JobSubscription.Place? {
        let elapsed = clock.elapsedSeconds
        return state.withLock { state in
            guard state.live[id]?.phase == .waiting, let place = state.place(of: id) else { return nil }
            return (place.position, state.estimatedStart(costAhead: place.costAhead, elapsedSeconds: elapsed))
        }
    }

    /// The job, if memory knows it.
    func memorySnapshot(_ id: JobID) -> JobSnapshot? {
        let elapsed = clock.elapsedSeconds
        return state.withLock { state in
            if let job = state.live[id] { return liveSnapshot(job, &state, elapsed: elapsed) }
            return state.ended[id].map { endedSnapshot($0) }
        }
    }

    /// The job, if the store knows it.
    func stored(_ id: JobID, _ client: String?) throws(JobError) -> JobRecord {
        let record: JobRecord?
        do {
            record = try store?.job(id)
        } catch {
            throw .storage(error)
        }
        guard let record, client == nil || client == record.client else { throw .notFound(id) }
        return record
    }
}
