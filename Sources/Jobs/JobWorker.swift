import Dispatch

/// One device's worker: its serial queue is the only place where its executor is called.
final class JobWorker: Sendable {
    let index: Int
    let name: String
    private let executor: any JobExecutor
    private let queue: DispatchQueue

    init(index: Int, _ description: JobWorkerDescription) {
        self.index = index
        name = description.name
        executor = description.executor
        queue = DispatchQueue(label: "mica.jobs.worker.\(index)")
    }

    /// Calls `body` on the worker's queue, soon.
    func dispatch(_ body: @escaping @Sendable (JobWorker) -> Void) {
        queue.async { body(self) }
    }

    /// Does the work, on the worker's queue.
    func execute(
        _ work: JobWork, cancellation: JobCancellation, progress: @escaping @Sendable (JobProgress) -> Void
    ) throws(JobExecutionError) -> [JobResultFile] {
        dispatchPrecondition(condition: .onQueue(queue))
        guard !cancellation.isCancelled else { throw .cancelled }
        return try executor.execute(work, cancellation: cancellation, progress: progress)
    }
}
