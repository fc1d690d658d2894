import Dispatch
import Jobs
import Synchronization

/// Gives the request back, reversed. A job whose metadata is `hold` waits until it is released or cancelled; `fail` and
/// `fault` do what they say.
final class FakeExecutor: JobExecutor {
    private struct State {
        var executed: [JobID] = []
        var isBusy = false
        var overlaps = 0
    }

    private let state = Mutex(State())
    private let gate = DispatchSemaphore(value: 0)
    private let entered = DispatchSemaphore(value: 0)
    /// What a held job reports when it begins.
    let reports: [JobProgress]

    init(reports: [JobProgress] = []) {
        self.reports = reports
    }

    func execute(
        _ work: JobWork, cancellation: JobCancellation, progress: @escaping @Sendable (JobProgress) -> Void
    ) throws(JobExecutionError) -> [JobResultFile] {
        state.withLock { state in
            if state.isBusy { state.overlaps += 1 }
            state.isBusy = true
            state.executed.append(work.id)
        }
        defer { state.withLock { $0.isBusy = false } }
        for report in reports { progress(report) }
        switch work.payload.metadata {
        case "hold":
            cancellation.onCancel { [gate] in gate.signal() }
            entered.signal()
            gate.wait()
        case "fail": throw .failed(code: "unfit", message: "this cannot be done")
        case "fault": throw .workerFault(code: "device_lost", message: "the device is gone")
        default: break
        }
        guard !cancellation.isCancelled else { throw .cancelled }
        return [
            JobResultFile(name: "answer.txt", mediaType: "text/plain", bytes: Array("for \(work.id)".utf8)),
            JobResultFile(name: "body.bin", mediaType: "application/octet-stream", bytes: work.payload.body.reversed()),
        ]
    }

    /// Jobs in the order in which they were begun.
    var executed: [JobID] { state.withLock { $0.executed } }
    /// Times that it was called while it was at work.
    var overlaps: Int { state.withLock { $0.overlaps } }

    /// Lets a held job end.
    func release() { gate.signal() }

    /// Waits until a held job has begun; false if none does within ten seconds.
    func waitUntilHeld() -> Bool { entered.wait(timeout: .now() + 60) == .success }
}
