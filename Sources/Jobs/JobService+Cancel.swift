import DurableStorage
import Synchronization

extension JobService {
    private enum Step {
        /// It waited and is out of the queue now.
        case endNow
        /// A worker has it.
        case raise(JobCancellation, isDurable: Bool)
        /// It is ending by itself.
        case nothing
        /// It has ended, and is kept in memory.
        case ended(EndedJob)
        /// Memory does not know it.
        case unknown
    }

    /// Takes a job back: one that waits ends at once, one that runs soon, one that has ended stays as it is. Returns
    /// the job as it is then. Blocks while the store works. `client` nil is the operator, who sees all jobs.
    ///
    /// Throws `notFound`, and `storage` if the job is not in memory and the store failed.
    @discardableResult
    public func cancel(_ id: JobID, client: String? = nil) throws(JobError) -> JobSnapshot {
        _ = try stop(id, client, .cancel)
        return try snapshot(id, client: client)
    }

    /// Forgets a job: one that has ended at once and with its result, one that has not is taken back and goes once it
    /// has ended. Blocks while the store works. Throws as `cancel` does.
    public func delete(_ id: JobID, client: String? = nil) throws(JobError) {
        switch try stop(id, client, .delete) {
        case .endNow, .raise, .nothing: return
        case .ended(let job) where !job.isDurable: return state.withLock { $0.forgetEnded(id) }
        case .ended: break
        case .unknown:
            // `ended` by the store, or not there at all.
            _ = try stored(id, client)
        }
        do {
            try store?.delete(id)
        } catch {
            storeFailed("delete the record", id, error)
            throw .storage(error)
        }
        // Only now: what the store has of it may be older than its end.
        state.withLock { $0.forgetEnded(id) }
    }

    private func stop(_ id: JobID, _ client: String?, _ request: JobEndRequest) throws(JobError) -> Step {
        let (step, isOthers) = state.withLock { state -> (Step, Bool) in
            if let job = state.ended[id] { return (.ended(job), client != nil && client != job.record.client) }
            guard let job = state.live[id] else { return (.unknown, false) }
            guard client == nil || client == job.record.client else { return (.nothing, true) }
            state.live[id]?.record.endRequest = max(job.record.endRequest, request)
            switch job.phase {
            case .waiting:
                _ = state.removeWaiting { $0.id == id }
                return (.endNow, false)
            case .running, .accepting: return (.raise(job.cancellation, isDurable: job.isDurable), false)
            case .ending: return (.nothing, false)
            }
        }
        guard !isOthers else { throw .notFound(id) }
        switch step {
        case .endNow: end(id, .cancelled)
        case .raise(let cancellation, let isDurable):
            cancellation.raise(.client)
            if isDurable { keep(request, id) }
        case .nothing, .ended, .unknown: break
        }
        return step
    }

    /// A job taken back is not tried again after a kill.
    private func keep(_ request: JobEndRequest, _ id: JobID) {
        do throws(StorageError) {
            try store?.request(request, of: id)
        } catch {
            storeFailed("keep the cancellation", id, error)
        }
    }
}
