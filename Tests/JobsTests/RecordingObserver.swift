import Dispatch
import Jobs
import Synchronization

/// Keeps what it hears, and lets a test wait for ends.
final class RecordingObserver: JobObserver {
    private struct State {
        var ended: [JobSnapshot] = []
        var notices: [JobNotice] = []
        var waited: [Double] = []
    }

    private let state = Mutex(State())
    private let ends = DispatchSemaphore(value: 0)

    func observe(_ observation: JobObservation) {
        switch observation {
        case .ended(let job, _, _):
            state.withLock { $0.ended.append(job) }
            ends.signal()
        case .notice(let notice): state.withLock { $0.notices.append(notice) }
        case .started(_, let waited): state.withLock { $0.waited.append(waited) }
        case .accepted, .rejected: break
        }
    }

    var ended: [JobSnapshot] { state.withLock { $0.ended } }
    var notices: [JobNotice] { state.withLock { $0.notices } }
    var waitedSeconds: [Double] { state.withLock { $0.waited } }

    /// Waits for the ends of `count` more jobs; false if they do not come within ten seconds each.
    func waitForEnds(_ count: Int) -> Bool {
        (0..<count).allSatisfy { _ in ends.wait(timeout: .now() + 60) == .success }
    }
}
