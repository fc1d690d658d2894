import DurableStorage
import Synchronization

extension JobService {
    /// Looks for deadlines and for what is kept no longer, and arranges the next look.
    func wake() {
        let (now, elapsed) = (clock.now, clock.elapsedSeconds)
        let (overdue, late, isSweep) = state.withLock { state -> ([JobID], [JobCancellation], Bool) in
            let overdue = state.removeWaiting { $0.deadline.map { $0 <= now } ?? false }
            let late = state.live.values.filter { job in
                job.isRunning && (job.record.deadline.map { $0 <= now } ?? false)
            }
            let isSweep = state.sweepAt <= elapsed
            if isSweep { state.sweepAt = elapsed + configuration.sweepSeconds }
            return (overdue, late.map(\.cancellation), isSweep)
        }
        for cancellation in late { cancellation.raise(.deadline) }
        for id in overdue { end(id, .failed(.deadlineExceeded)) }
        if isSweep { sweep(now) }
        arrangeWake(at: nextWake(now, elapsed))
    }

    private func nextWake(_ now: JobInstant, _ elapsed: Double) -> JobInstant {
        state.withLock { state in
            let deadlines = state.live.values.compactMap(\.record.deadline).filter { $0 > now }
            let sweep = now.advanced(bySeconds: state.sweepAt - elapsed)
            return min(deadlines.min() ?? sweep, sweep)
        }
    }

    /// Sees to it that `wake` is called at this time or before. The wait is never longer than between two sweeps, so
    /// that a clock that is set does not matter for long.
    func arrangeWake(at instant: JobInstant) {
        let now = clock.now
        let isNew = state.withLock { state in
            if let wakeAt = state.wakeAt, wakeAt <= instant { return false }
            state.wakeAt = instant
            return true
        }
        guard isNew else { return }
        let seconds = min(max(instant.seconds(since: now), 0.001), configuration.sweepSeconds)
        clock.schedule(afterSeconds: seconds) { [weak self] in
            guard let self else { return }
            // One that an earlier one has replaced does nothing, or there would be more and more of them.
            let isCurrent = state.withLock { state in
                guard state.wakeAt == instant else { return false }
                state.wakeAt = nil
                return true
            }
            if isCurrent { wake() }
        }
    }

    private func sweep(_ now: JobInstant) {
        let elapsed = clock.elapsedSeconds
        let unsaved = state.withLock { state -> [EndedJob] in
            for id in state.endedOrder {
                guard let job = state.ended[id], !job.isDurable else { continue }
                if elapsed - job.endedAt >= configuration.transientResultSeconds { state.forgetEnded(id) }
            }
            return state.endedOrder.compactMap { state.ended[$0] }.filter(\.isDurable)
        }
        storeLate(unsaved)
        do throws(StorageError) {
            try store?.sweep(now: now)
        } catch {
            state.withLock { $0.metrics.storeFailureTotal += 1 }
            notice(.storeFailed(operation: "remove expired results", job: nil, error: error))
        }
    }

    /// Tries again to store ends that the store did not take.
    private func storeLate(_ jobs: [EndedJob]) {
        var count = 0
        for job in jobs {
            do throws(StorageError) {
                try store?.ended(job.record, files: [])
            } catch {
                storeFailed("keep the end", job.record.id, error)
                break
            }
            state.withLock { $0.forgetEnded(job.record.id) }
            count += 1
        }
        if count > 0 { notice(.endsStored(count: count)) }
    }
}
