import Dispatch
import Jobs

/// Tells of ends.
final class ProbeObserver: JobObserver {
    private let lines: ProbeLines
    private let ended = DispatchSemaphore(value: 0)

    init(_ lines: ProbeLines) {
        self.lines = lines
    }

    func observe(_ observation: JobObservation) {
        switch observation {
        case .ended(let job, _, _):
            lines.write("ended \(job.id) \(job.state.rawValue) \(job.failure?.code ?? "-")")
            ended.signal()
        case .notice(let notice): lines.write("notice \(notice)")
        case .accepted, .rejected, .started: break
        }
    }

    /// Returns once no job waits or runs.
    func waitUntilIdle(_ service: JobService) {
        while service.metrics.running > 0 || service.metrics.waiting.values.contains(where: { $0 > 0 }) { ended.wait() }
    }
}
