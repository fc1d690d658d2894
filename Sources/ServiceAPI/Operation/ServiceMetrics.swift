import Jobs
import Synchronization

/// What the service counts of itself, for Prometheus.
final class ServiceMetrics: Sendable {
    /// Route, method and status as one number, so that counting costs little.
    private struct Exchanges: Hashable {
        private static let methods = ["other", "GET", "HEAD", "POST", "DELETE", "OPTIONS"]
        private let number: Int

        init(_ route: Route?, _ method: String, _ status: Int) {
            let place = Self.methods.firstIndex(of: method) ?? 0
            number = (((route?.rawValue ?? -1) + 1) * 10 + place) * 1000 + status
        }

        var labels: [(name: String, value: String)] {
            let route = Route(rawValue: number / 10_000 - 1)
            return [
                ("path", route?.path ?? "-"), ("method", Self.methods[number / 1000 % 10]),
                ("status", "\(number % 1000)"),
            ]
        }

        static func < (left: Exchanges, right: Exchanges) -> Bool { left.number < right.number }
    }

    private struct State {
        var exchanges: [Exchanges: UInt64] = [:]
        var peakTensorBytes = 0
        var streams = 0
    }

    let queueSeconds = Histogram()
    let inferenceSeconds = Histogram()
    let totalSeconds = Histogram()
    private let state = Mutex(State())
    private let startSeconds: Double

    init(startSeconds: Double) {
        self.startSeconds = startSeconds
    }

    /// An answer; `route` is nil for what is no path of ours.
    func answered(route: Route?, method: String, status: Int) {
        state.withLock { $0.exchanges[Exchanges(route, method, status), default: 0] += 1 }
    }

    func peakTensorBytes(_ bytes: Int) {
        state.withLock { $0.peakTensorBytes = max($0.peakTensorBytes, bytes) }
    }

    func streams(_ change: Int) {
        state.withLock { $0.streams += change }
    }

    /// All of it as text.
    func text(
        jobs: JobMetrics, caches: [CacheFigures], connections: Int?, version: String,
        model: String
    ) -> String {
        var text = MetricsText()
        text.family("mica_build_info", "gauge", "The release and its model.")
        text.sample("mica_build_info", [("version", version), ("model", model)], 1)
        writeJobs(jobs, to: &text)
        queueSeconds.write("mica_job_queue_seconds", help: "Seconds that jobs waited.", to: &text)
        inferenceSeconds.write("mica_job_inference_seconds", help: "Seconds that jobs ran.", to: &text)
        totalSeconds.write(
            "mica_job_seconds", help: "Seconds from a job's acceptance to its end.", to: &text)
        let state = state.withLock { $0 }
        text.family("mica_http_requests_total", "counter", "Requests answered, by path, method and status.")
        for (exchange, count) in state.exchanges.sorted(by: { $0.key < $1.key }) {
            text.sample("mica_http_requests_total", exchange.labels, Double(count))
        }
        text.single("mica_event_streams", "gauge", "Open streams of events.", Double(state.streams))
        if let connections {
            text.single("mica_http_connections", "gauge", "Open connections.", Double(connections))
        }
        text.family("mica_cache_requests_total", "counter", "Look-ups of captions and prompt embeddings, by outcome.")
        for cache in caches {
            text.sample("mica_cache_requests_total", [("cache", cache.name), ("outcome", "hit")], Double(cache.hits))
            text.sample("mica_cache_requests_total", [("cache", cache.name), ("outcome", "miss")], Double(cache.misses))
        }
        text.single(
            "mica_tensor_peak_bytes", "gauge", "The most bytes of tensors that a job held on its device.",
            Double(state.peakTensorBytes))
        writeProcess(to: &text)
        return text.text
    }

    private func writeJobs(_ jobs: JobMetrics, to text: inout MetricsText) {
        text.family("mica_jobs_waiting", "gauge", "Jobs that wait, by priority.")
        for priority in JobPriority.allCases {
            text.sample("mica_jobs_waiting", [("priority", priority.name)], Double(jobs.waiting[priority] ?? 0))
        }
        text.single("mica_jobs_running", "gauge", "Jobs that run.", Double(jobs.running))
        text.single("mica_jobs_accepted_total", "counter", "Jobs taken.", Double(jobs.acceptedTotal))
        text.family("mica_jobs_total", "counter", "Jobs ended, by outcome.")
        for state in [JobState.succeeded, .failed, .cancelled] {
            text.sample("mica_jobs_total", [("outcome", state.rawValue)], Double(jobs.endedTotal[state] ?? 0))
        }
        text.family("mica_jobs_rejected_total", "counter", "Jobs not taken, by reason.")
        for reason in ["queue_full", "client_limit", "memory_full", "draining"] {
            text.sample("mica_jobs_rejected_total", [("reason", reason)], Double(jobs.rejectedTotal[reason] ?? 0))
        }
        text.single(
            "mica_jobs_waiting_bytes", "gauge", "Bytes of waiting requests in memory.", Double(jobs.waitingBytes))
        text.single(
            "mica_store_failures_total", "counter", "Calls of the job store that failed.",
            Double(jobs.storeFailureTotal))
        text.family("mica_worker_faults_total", "counter", "Times that a worker broke.")
        for worker in jobs.workers {
            text.sample("mica_worker_faults_total", [("worker", worker.name)], Double(worker.faultTotal))
        }
        if let seconds = jobs.estimatedWaitSeconds {
            text.single("mica_estimated_wait_seconds", "gauge", "Seconds until a new job would start.", seconds)
        }
        text.single("mica_stopping", "gauge", "1 while the service stops.", jobs.isDraining ? 1 : 0)
    }

    private func writeProcess(to text: inout MetricsText) {
        let figures = ProcessFigures()
        let values: [(String, String, Double?)] = [
            ("process_resident_memory_bytes", "Bytes in memory.", figures.residentBytes),
            ("mica_memory_file_bytes", "Bytes in memory that belong to files, such as weights.", figures.fileBytes),
            ("mica_memory_peak_bytes", "The most bytes in memory so far.", figures.peakBytes),
            ("process_open_fds", "Open descriptors.", figures.openDescriptors),
            ("process_threads", "Threads.", figures.threads),
            ("process_start_time_seconds", "Unix time of the start.", startSeconds),
        ]
        for (name, help, value) in values {
            if let value { text.single(name, "gauge", help, value) }
        }
    }
}
