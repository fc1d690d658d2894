import Dispatch
import DurableStorage
import Glibc
import Jobs

/// A server of jobs that tests kill: `jobs-crash-probe FOLDER MODE COUNT [BYTES]`.
///
/// It speaks in lines: `accepted KEY ID`, `started ID ATTEMPT`, `ended ID STATE CODE`, `refused KEY ERROR`, `notice
/// TEXT`, `done`. It waits for a byte on its standard input before each line, so that a test decides how far it goes.
struct CrashProbe {
    enum Mode: String {
        /// Sends the jobs `key-0` and on, and waits for all ends.
        case serve
        /// The same, but the job `key-0` kills the process.
        case poison
        /// Files are limited to BYTES; sends jobs as large as that, and small ones.
        case full
    }

    let folder: String
    let mode: Mode
    let count: Int
    let byteLimit: Int

    init(arguments: [String]) {
        guard arguments.count >= 4, let mode = Mode(rawValue: arguments[2]), let count = Int(arguments[3]) else {
            fatalError("usage: jobs-crash-probe FOLDER serve|poison|full COUNT [BYTES]")
        }
        folder = arguments[1]
        self.mode = mode
        self.count = count
        byteLimit = arguments.count > 4 ? Int(arguments[4]) ?? 0 : 0
    }

    func run() -> Int32 {
        let lines = ProbeLines()
        let store: JobStore
        do {
            store = try JobStore(folder: folder) { lines.write("notice \($0)") }
        } catch {
            lines.write("refused store \(error)")
            return 1
        }
        if mode == .full { limitFiles() }
        let ends = ProbeObserver(lines)
        let executor = ProbeExecutor(lines: lines, poison: mode == .poison ? "key-0" : nil)
        let service = JobService(
            workers: [JobWorkerDescription(name: "probe", executor: executor)], store: store, observer: ends)
        do {
            try service.restore()
        } catch {
            lines.write("refused start \(error)")
            return 1
        }
        service.start()
        var open: [JobID] = []
        switch mode {
        case .serve, .poison:
            for index in 0..<count { open += submit(index, bytes: 1000, isDurable: true, service, lines) }
        case .full:
            for index in 0..<count {
                open += submit(4 * index, bytes: byteLimit + 1, isDurable: true, service, lines)
                open += submit(4 * index + 1, bytes: 1000, isDurable: true, service, lines)
                open += submit(4 * index + 2, bytes: byteLimit + 1, isDurable: false, service, lines)
                // The request has room, the result, which is a little longer, has not.
                open += submit(4 * index + 3, bytes: byteLimit - 2, isDurable: true, service, lines)
            }
        }
        ends.wait(for: open)
        lines.write("done")
        return 0
    }

    /// Sends a job and returns its id, unless it was refused or has ended already.
    private func submit(
        _ index: Int, bytes: Int, isDurable: Bool, _ service: JobService, _ lines: ProbeLines
    ) -> [JobID] {
        var options = JobOptions(client: "probe")
        options.idempotencyKey = isDurable ? "key-\(index)" : nil
        options.isDurable = isDurable
        options.limits = JobClientLimits(waiting: 1000)
        let pattern = (0..<min(bytes, 1000)).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ index) }
        let body = pattern + [UInt8](repeating: 0, count: bytes - pattern.count)
        do {
            let submission = try service.submit(JobPayload(metadata: "key-\(index)", body: body), options: options)
            lines.write("accepted key-\(index) \(submission.job.id)")
            return submission.job.state.isFinished ? [] : [submission.job.id]
        } catch {
            lines.write("refused key-\(index) \(error)")
            return []
        }
    }

    /// Writing beyond the limit gives EFBIG, which is to the store what a full disk is.
    private func limitFiles() {
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit(rlim_cur: rlim_t(byteLimit), rlim_max: rlim_t(byteLimit))
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    }
}
