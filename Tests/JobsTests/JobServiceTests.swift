import DurableStorage
import Jobs
import Testing

struct JobServiceTests {
    @Test func aJobIsDoneAndItsResultFetched() throws {
        let bench = try JobBench()
        let id = try bench.submit(body: [1, 2, 3])
        #expect(bench.observer.waitForEnds(1))
        let job = try bench.service.snapshot(id, client: "ann")
        #expect(job.state == .succeeded)
        #expect(job.attempts == 1)
        #expect(job.files.map(\.name) == ["answer.txt", "body.bin"])
        let result = try bench.service.result(id)
        #expect(try result.bytes(of: 0) == Array("for \(id)".utf8))
        #expect(try result.bytes(of: 1) == [3, 2, 1])
    }

    @Test func anothersJobIsNotThere() throws {
        let bench = try JobBench()
        let id = try bench.submit("hold")
        #expect(bench.executor.waitUntilHeld())
        #expect(throws: JobError.notFound(id)) { try bench.service.snapshot(id, client: "bob") }
        #expect(throws: JobError.notFound(id)) { try bench.service.cancel(id, client: "bob") }
        #expect(throws: JobError.notFound(id)) { try bench.service.delete(id, client: "bob") }
        #expect(throws: JobError.notFound(id)) { try bench.service.result(id, client: "bob") }
        #expect(throws: JobError.notFound(id)) { try bench.service.events(id, client: "bob") {} }
        #expect(try bench.service.snapshot(id).state == .running)
        bench.executor.release()
        #expect(bench.observer.waitForEnds(1))
        #expect(throws: JobError.notFound(id)) { try bench.service.snapshot(id, client: "bob") }
        #expect(throws: JobError.notFound(id)) { try bench.service.result(id, client: "bob") }
        #expect(try bench.service.result(id, client: "ann").files.count == 2)
    }

    @Test func failuresAndFaults() throws {
        let bench = try JobBench()
        let failed = try bench.submit("fail")
        let broken = try bench.submit("fault")
        #expect(bench.observer.waitForEnds(2))
        #expect(try bench.service.snapshot(failed).failure == .execution(code: "unfit", message: "this cannot be done"))
        #expect(try bench.service.snapshot(broken).failure?.code == "device_lost")
        #expect(throws: JobError.noResult(failed, state: .failed)) { try bench.service.result(failed) }
        #expect(bench.service.metrics.workers[0].faultTotal == 1)
        #expect(bench.service.metrics.workers[0].consecutiveFaults == 1)
        #expect(bench.observer.notices == [.workerFault(worker: "fake-0", job: broken, message: "the device is gone")])
        try bench.submit()
        #expect(bench.observer.waitForEnds(1))
        #expect(bench.service.metrics.workers[0].faultTotal == 1)
        #expect(bench.service.metrics.workers[0].consecutiveFaults == 0)
        #expect(bench.service.metrics.endedTotal == [.failed: 2, .succeeded: 1])
    }

    @Test func anAbortDoesNotHarmTheNextJob() throws {
        let bench = try JobBench()
        let first = try bench.submit("hold")
        let second = try bench.submit("work", body: [9, 8])
        #expect(bench.executor.waitUntilHeld())
        let answer = try bench.service.cancel(first)
        #expect(answer.isCancelling || answer.state == .cancelled)
        // A second one, and one that comes late, do nothing.
        _ = try bench.service.cancel(first)
        #expect(bench.observer.waitForEnds(2))
        #expect(try bench.service.cancel(first).state == .cancelled)
        #expect(try bench.service.snapshot(second).state == .succeeded)
        #expect(try bench.service.result(second).bytes(of: 1) == [8, 9])
        #expect(try bench.service.cancel(second).state == .succeeded)
    }

    @Test func aWaitingJobIsCancelledWithoutRunning() throws {
        let bench = try JobBench()
        try bench.submit("hold")
        let waiting = try bench.submit()
        #expect(bench.executor.waitUntilHeld())
        #expect(try bench.service.snapshot(waiting).position == 0)
        #expect(try bench.service.cancel(waiting).state == .cancelled)
        bench.executor.release()
        #expect(bench.observer.waitForEnds(2))
        #expect(!bench.executor.executed.contains(waiting))
        #expect(bench.service.metrics.waitingBytes == 0)
    }

    @Test func deletedJobsAreForgotten() throws {
        let bench = try JobBench()
        let running = try bench.submit("hold")
        let waiting = try bench.submit()
        #expect(bench.executor.waitUntilHeld())
        try bench.service.delete(waiting)
        #expect(throws: JobError.notFound(waiting)) { try bench.service.snapshot(waiting) }
        try bench.service.delete(running)
        #expect(bench.observer.waitForEnds(2))
        #expect(throws: JobError.notFound(running)) { try bench.service.snapshot(running) }
        let done = try bench.submit()
        #expect(bench.observer.waitForEnds(1))
        try bench.service.delete(done)
        #expect(throws: JobError.notFound(done)) { try bench.service.result(done) }
        #expect(throws: JobError.notFound(done)) { try bench.service.delete(done) }
    }

    @Test func deadlines() throws {
        let bench = try JobBench()
        let running = try bench.submit("hold") { $0.deadlineSeconds = 5 }
        let waiting = try bench.submit { $0.deadlineSeconds = 4 }
        let patient = try bench.submit { $0.deadlineSeconds = 60 }
        #expect(bench.executor.waitUntilHeld())
        bench.clock.advance(bySeconds: 3.9)
        #expect(bench.observer.ended.isEmpty)
        bench.clock.advance(bySeconds: 0.1)
        #expect(bench.observer.waitForEnds(1))
        #expect(try bench.service.snapshot(waiting).failure == .deadlineExceeded)
        #expect(try bench.service.snapshot(running).state == .running)
        bench.clock.advance(bySeconds: 1)
        #expect(bench.observer.waitForEnds(2))
        #expect(try bench.service.snapshot(running).failure == .deadlineExceeded)
        #expect(try bench.service.snapshot(patient).state == .succeeded)
        #expect(!bench.executor.executed.contains(waiting))
    }

    @Test func earlierDeadlinesLeaveNoAlarmsBehind() throws {
        var configuration = JobConfiguration()
        configuration.waitingLimit = 100
        configuration.clientLimits.waiting = 100
        let bench = try JobBench(configuration: configuration)
        for number in 0..<100 { try bench.submit { $0.deadlineSeconds = 20 - Double(number) / 10 } }
        #expect(bench.observer.waitForEnds(100))
        bench.clock.advance(bySeconds: 100)
        #expect(bench.clock.alarmCount == 1)
    }

    @Test func rejectionsSayWhenToComeAgain() throws {
        var configuration = JobConfiguration()
        configuration.waitingLimit = 3
        configuration.waitingByteLimit = 100
        configuration.clientLimits.waiting = 2
        let bench = try JobBench(configuration: configuration)
        // A job of 40 seconds makes the estimates.
        try bench.submit("hold")
        #expect(bench.executor.waitUntilHeld())
        bench.clock.advance(bySeconds: 40)
        bench.executor.release()
        #expect(bench.observer.waitForEnds(1))
        try bench.submit("hold", client: "zoe")
        #expect(bench.executor.waitUntilHeld())
        bench.clock.advance(bySeconds: 10)
        let first = try bench.submit()
        try bench.submit()
        // Ann's first job starts in 30 seconds.
        #expect(try bench.service.snapshot(first).estimatedStartSeconds == 30)
        #expect(throws: rejection(.tooManyJobsOfClient(limit: 2), 30)) { try bench.submit() }
        #expect(throws: rejection(.waitingBytesFull(limit: 100), 30)) {
            try bench.submit(body: [UInt8](repeating: 0, count: 95), client: "bob")
        }
        try bench.submit(client: "bob")
        #expect(throws: rejection(.queueFull(limit: 3), 30)) { try bench.submit(client: "eve") }
        #expect(bench.service.metrics.rejectedTotal == ["client_limit": 1, "memory_full": 1, "queue_full": 1])
        #expect(bench.service.metrics.waiting[.normal] == 3)
        bench.executor.release()
        #expect(bench.observer.waitForEnds(4))
    }

    private func rejection(_ reason: JobRejection.Reason, _ seconds: Double) -> JobError {
        .rejected(JobRejection(reason, retryAfterSeconds: seconds))
    }

    private static func options(_ change: (inout JobOptions) -> Void) -> JobOptions {
        var options = JobOptions(client: "ann")
        options.isDurable = false
        change(&options)
        return options
    }

    @Test(arguments: [
        ("cost", options { $0.cost = 0 }), ("cost", options { $0.cost = .nan }),
        ("cost", options { $0.cost = .infinity }), ("deadline", options { $0.deadlineSeconds = 0 }),
        ("deadline", options { $0.deadlineSeconds = .infinity }),
        ("idempotency key", options { $0.idempotencyKey = "" }),
        ("idempotency key", options { $0.idempotencyKey = String(repeating: "k", count: 256) }),
    ])
    func optionsOutOfRange(_ name: String, _ options: JobOptions) throws {
        let bench = try JobBench()
        do {
            _ = try bench.service.submit(JobPayload(metadata: "", body: []), options: options)
            Issue.record("taken")
        } catch JobError.invalidOption(let found, _, _) {
            #expect(found == name)
        }
    }

    @Test func withoutAStoreNothingIsDurable() throws {
        let bench = try JobBench()
        #expect(throws: JobError.storage(.unavailable)) { try bench.submit(isDurable: true) }
        #expect(throws: JobError.storage(.unavailable)) { try bench.submit { $0.idempotencyKey = "k" } }
        #expect(try bench.service.list(client: nil).jobs.isEmpty)
    }

    @Test func resultsInMemoryGoByTimeAndSize() throws {
        var configuration = JobConfiguration()
        configuration.transientResultByteLimit = 2500
        let bench = try JobBench(configuration: configuration)
        var ids: [JobID] = []
        for _ in 0..<3 {
            ids.append(try bench.submit(body: [UInt8](repeating: 1, count: 1000)))
            #expect(bench.observer.waitForEnds(1))
        }
        #expect(throws: JobError.notFound(ids[0])) { try bench.service.result(ids[0]) }
        #expect(try bench.service.result(ids[1]).bytes(of: 1).count == 1000)
        let held = try bench.service.result(ids[2])
        bench.clock.advance(bySeconds: 200)
        #expect(throws: JobError.notFound(ids[2])) { try bench.service.result(ids[2]) }
        #expect(try held.bytes(of: 1).count == 1000)
    }

    @Test func idsAreUnguessableAndSafe() {
        let ids = (0..<1000).map { _ in JobID() }
        #expect(Set(ids).count == 1000)
        for id in ids { #expect(JobID(id.description) == id) }
        let long = String(repeating: "a", count: 23)
        for text in ["", "short", long, "../../../etc/passwd/aa", "aaaaaaaaaaaaaaaaaaaaé", "aaaaaaaaaaaaaaaaaaaaa\0"] {
            #expect(JobID(text) == nil)
        }
    }
}
