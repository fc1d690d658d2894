import Dispatch
import Jobs
import Synchronization

/// Tells of ends.
final class ProbeObserver: JobObserver {
    private let lines: ProbeLines
    private let ended = Mutex<Set<JobID>>([])
    private let ends = DispatchSemaphore(value: 0)

    init(_ lines: ProbeLines) {
        self.lines = lines
    }

    func observe(_ observation: JobObservation) {
        switch observation {
        case .ended(let job, _, _):
            lines.write("ended \(job.id) \(job.state.rawValue) \(job.failure?.code ?? "-")")
            ended.withLock { _ = $0.insert(job.id) }
            ends.signal()
        case .notice(let notice): lines.write("notice \(notice)")
        case .accepted, .rejected, .started: break
        }
    }

    /// Returns once the ends of all these jobs have been told.
    func wait(for jobs: [JobID]) {
        while !ended.withLock({ $0.isSuperset(of: jobs) }) { ends.wait() }
    }
}
