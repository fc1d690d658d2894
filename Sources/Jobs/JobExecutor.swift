/// What does the work: one for each worker, so one for each device.
public protocol JobExecutor: Sendable {
    /// Does the work and returns the result's files.
    ///
    /// Called by the worker's serial queue and by nothing else, one job at a time. It looks at `cancellation` between
    /// its steps and throws `cancelled` soon after it was raised; `progress` may be called from any thread until it
    /// returns.
    func execute(
        _ work: JobWork, cancellation: JobCancellation, progress: @escaping @Sendable (JobProgress) -> Void
    ) throws(JobExecutionError) -> [JobResultFile]
}
