import DurableStorage

/// What the jobs want in the log. No payload, no key.
public enum JobNotice: Sendable, Equatable, CustomStringConvertible {
    /// The database was damaged; it and its files lie in the folder now, and a new one was begun.
    case corruptStoreMovedAside(folder: String, reason: StorageError)
    /// Jobs of the store could not be read; they count as failed, or are gone where not even their names were left.
    case damagedJobs(count: Int)
    /// Files that belonged to no job were removed.
    case leftoversRemoved(count: Int)
    /// Jobs of before the stop go on.
    case resumed(queued: Int, triedAgain: Int, failed: Int)
    /// The store failed; what that means for the job is said by its state.
    case storeFailed(operation: String, job: JobID?, error: StorageError)
    /// The ends of jobs that the store did not take before are stored now.
    case endsStored(count: Int)
    /// Results were removed, by age or by size.
    case expired(jobs: Int, bytes: Int)
    /// A worker broke.
    case workerFault(worker: String, job: JobID, message: String)
    /// The grace is over, and these jobs still run.
    case stillRunning(jobs: [JobID])

    public var description: String {
        switch self {
        case .corruptStoreMovedAside(let folder, let reason):
            "the store of jobs was damaged and has been moved to '\(folder)'; a new one was begun: \(reason)"
        case .damagedJobs(let count): "\(count) jobs of the store were damaged and have failed"
        case .leftoversRemoved(let count): "\(count) files that belong to no job were removed"
        case .resumed(let queued, let triedAgain, let failed):
            "\(queued) waiting jobs go on, \(triedAgain) of them were running and are tried once more; \(failed) failed"
        case .storeFailed(let operation, let job, let error):
            "could not \(operation)\(job.map { " of job \($0)" } ?? ""): \(error)"
        case .endsStored(let count): "the ends of \(count) jobs are stored now"
        case .expired(let jobs, let bytes): "the results of \(jobs) jobs were removed: \(bytes) bytes"
        case .workerFault(let worker, let job, let message): "worker \(worker) broke in job \(job): \(message)"
        case .stillRunning(let jobs):
            "stopping although \(jobs.count) jobs still run: \(jobs.map(\.description).joined(separator: " "))"
        }
    }
}
