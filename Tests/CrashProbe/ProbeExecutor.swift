import Glibc
import Jobs

/// Gives the request back, reversed and in two files.
struct ProbeExecutor: JobExecutor {
    let lines: ProbeLines
    /// The job that kills the process.
    let poison: String?

    func execute(
        _ work: JobWork, cancellation: JobCancellation, progress: @escaping @Sendable (JobProgress) -> Void
    ) throws(JobExecutionError) -> [JobResultFile] {
        lines.write("started \(work.id) \(work.attempt)")
        if work.payload.metadata == poison { kill(getpid(), SIGKILL) }
        progress(JobProgress(stage: "reverse", step: 1, total: 1, fraction: 1))
        return [
            JobResultFile(name: "key", mediaType: "text/plain", bytes: Array(work.payload.metadata.utf8)),
            JobResultFile(name: "body", mediaType: "application/octet-stream", bytes: work.payload.body.reversed()),
        ]
    }
}
