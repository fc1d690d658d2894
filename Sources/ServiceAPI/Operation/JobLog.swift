import Jobs
import Logging

/// Counts jobs, and writes a line for each at its end; never prompts, pictures or keys.
struct JobLog: JobObserver {
    let logger: Logger
    let metrics: ServiceMetrics

    func observe(_ observation: JobObservation) {
        switch observation {
        case .accepted: break
        case .started(_, let waitedSeconds): metrics.queueSeconds.record(waitedSeconds)
        case .rejected(let rejection, let client):
            logger.info("job rejected", metadata: ["client": "\(client)", "reason": "\(rejection.reason.code)"])
        case .ended(let job, let ranSeconds, let totalSeconds):
            if let ranSeconds { metrics.inferenceSeconds.record(ranSeconds) }
            metrics.totalSeconds.record(totalSeconds)
            log(job, ranSeconds, totalSeconds)
        case .notice(let notice):
            switch notice {
            case .expired, .endsStored, .leftoversRemoved, .resumed: logger.info("\(notice)")
            default: logger.warning("\(notice)")
            }
        }
    }

    private func log(_ job: JobSnapshot, _ ranSeconds: Double?, _ totalSeconds: Double) {
        var fields: Logger.Metadata = [
            "job": "\(job.id)", "client": "\(job.client)", "state": "\(job.state.rawValue)",
            "attempts": "\(job.attempts)", "seconds": "\(Self.rounded(totalSeconds))",
        ]
        if let ranSeconds { fields["run_seconds"] = "\(Self.rounded(ranSeconds))" }
        if let failure = job.failure { fields["failure"] = "\(failure.code)" }
        // What went wrong with a request is its client's business; what went wrong here is ours.
        let isOurs = job.state == .failed && Problem(job.state, job.failure).status >= 500
        logger.log(level: isOurs ? .warning : .info, "job", metadata: fields)
    }

    private static func rounded(_ seconds: Double) -> Double { (seconds * 1e4).rounded() / 1e4 }
}
