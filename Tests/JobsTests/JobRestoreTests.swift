import Jobs
import Testing

/// What a start of the server makes of the jobs of before.
struct JobRestoreTests {
    /// Starts that end before anything is begun, as those of a server that cannot listen.
    @Test func aStartThatFailsCostsNoAttempt() throws {
        let folder = try ScratchFolder()
        let ids = try {
            let bench = try JobBench(folder: folder.path, isStarted: false)
            defer { bench.close() }
            return try (0..<3).map { _ in try bench.submit(isDurable: true) }
        }()
        for _ in 0..<4 {
            let bench = try JobBench(folder: folder.path, isStarted: false)
            defer { bench.close() }
            bench.service.drain(graceSeconds: 0)
            #expect(bench.executor.executed.isEmpty)
        }
        let bench = try JobBench(folder: folder.path)
        #expect(bench.observer.waitForEnds(3))
        for id in ids {
            let job = try bench.service.snapshot(id)
            #expect(job.state == .succeeded && job.attempts == 1)
        }
    }

    /// A job that comes between the two steps of a start waits for the second.
    @Test func aJobThatComesBeforeTheStartWaits() throws {
        let bench = try JobBench(isStarted: false)
        let id = try bench.submit()
        #expect(try bench.service.snapshot(id).position == 0)
        bench.service.start()
        #expect(bench.observer.waitForEnds(1))
        #expect(try bench.service.snapshot(id).state == .succeeded)
    }

    /// Whoever knows the limits of clients may ask the jobs something, or wait for someone who does.
    @Test func limitsAreAskedForWithoutALock() throws {
        let folder = try ScratchFolder()
        try {
            let bench = try JobBench(folder: folder.path, isStarted: false)
            defer { bench.close() }
            try bench.submit(isDurable: true)
        }()
        let store = try JobStore(folder: folder.path) { _ in }
        let service = JobService(workers: [], store: store)
        var waiting: [Int?] = []
        try service.restore { _ in
            waiting.append(service.metrics.waiting[.normal])
            return nil
        }
        #expect(waiting == [0] && service.metrics.waiting[.normal] == 1)
        store.close()
    }

    /// Clients of before have their limits before they send anything.
    @Test func limitsOfRunningJobsHoldFromTheBeginning() throws {
        let folder = try ScratchFolder()
        try {
            let bench = try JobBench(folder: folder.path, isStarted: false)
            defer { bench.close() }
            for _ in 0..<3 { try bench.submit("hold", isDurable: true) }
            for _ in 0..<2 { try bench.submit(client: "bob", isDurable: true) }
        }()
        let bench = try JobBench(workers: 2, folder: folder.path) { client in
            client == "ann" ? JobClientLimits(running: 1) : nil
        }
        // The second worker stays free for bob, since ann has the first; her second job came before his.
        #expect(bench.observer.waitForEnds(2))
        #expect(bench.observer.ended.map(\.client) == ["bob", "bob"])
        for executor in bench.executors { for _ in 0..<3 { executor.release() } }
        #expect(bench.observer.waitForEnds(3))
    }
}
