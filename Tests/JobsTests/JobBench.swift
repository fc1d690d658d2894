import Dispatch
import DurableStorage
import Jobs

/// A service with fake workers, a clock in the test's hand, and perhaps a store.
struct JobBench {
    let clock: ManualJobClock
    let observer = RecordingObserver()
    let executors: [FakeExecutor]
    let service: JobService
    let store: JobStore?

    init(
        workers: Int = 1, folder: String? = nil, retention: JobRetention = JobRetention(),
        configuration: JobConfiguration = JobConfiguration(), reports: [JobProgress] = [],
        clock: ManualJobClock = ManualJobClock(), isStarted: Bool = true,
        limits: (String) -> JobClientLimits? = { _ in nil }
    ) throws {
        self.clock = clock
        executors = (0..<workers).map { _ in FakeExecutor(reports: reports) }
        let observer = observer
        store = try folder.map { folder throws(StorageError) in
            try JobStore(folder: folder, retention: retention) { observer.observe(.notice($0)) }
        }
        service = JobService(
            configuration: configuration,
            workers: executors.enumerated().map { JobWorkerDescription(name: "fake-\($0)", executor: $1) },
            store: store, clock: clock, observer: observer)
        try service.restore(limits: limits)
        if isStarted { service.start() }
    }

    var executor: FakeExecutor { executors[0] }

    /// Lets the next one have the folder: a worker may hold the store for a moment longer than the test.
    func close() { store?.close() }

    /// Waits until the job has ended; false if it does not within ten seconds of its last news.
    func waitForEnd(of id: JobID) throws -> Bool {
        let news = DispatchSemaphore(value: 0)
        let events = try service.events(id) { news.signal() }
        while news.wait(timeout: .now() + 60) == .success {
            if case .ended = events.take().last { return true }
        }
        return false
    }

    /// Submits a job and returns its id.
    @discardableResult
    func submit(
        _ metadata: String = "work", body: [UInt8] = [1, 2, 3], client: String = "ann", isDurable: Bool = false,
        _ change: (inout JobOptions) -> Void = { _ in }
    ) throws -> JobID {
        var options = JobOptions(client: client)
        options.isDurable = isDurable
        change(&options)
        return try service.submit(JobPayload(metadata: metadata, body: body), options: options).job.id
    }
}
