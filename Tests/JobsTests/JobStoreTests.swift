import DurableStorage
import Foundation
import Synchronization
import Testing

@testable import Jobs

struct JobStoreTests {
    @Test func resultsOutliveTheServer() throws {
        let folder = try ScratchFolder()
        let id = try {
            let bench = try JobBench(folder: folder.path)
            defer { bench.close() }
            let id = try bench.submit("größer", body: [4, 5, 6], isDurable: true)
            #expect(bench.observer.waitForEnds(1))
            #expect(try folder.names("requests").isEmpty)
            return id
        }()
        let bench = try JobBench(folder: folder.path)
        let job = try bench.service.snapshot(id, client: "ann")
        #expect(job.state == .succeeded)
        #expect(job.metadata == "größer")
        #expect(job.files.map(\.mediaType) == ["text/plain", "application/octet-stream"])
        #expect(job.expiresAt?.seconds(since: try #require(job.endedAt)) == 86_400)
        #expect(try bench.service.result(id).bytes(of: 1) == [6, 5, 4])
        #expect(throws: JobError.notFound(id)) { try bench.service.snapshot(id, client: "bob") }
        #expect(bench.observer.notices.isEmpty)
        #expect(bench.executor.executed.isEmpty)
    }

    @Test func waitingJobsGoOnInOrderAndARunningOneIsTriedOnceMore() throws {
        let folder = try ScratchFolder()
        var ids: [JobID] = []
        for stop in 0..<3 {
            let copy = try ScratchFolder()
            do {
                let bench = try JobBench(folder: folder.path)
                defer { bench.close() }
                if stop == 0 {
                    ids = try ["hold", "a", "b", "c"].map { try bench.submit($0, isDurable: true) }
                    #expect(bench.executor.waitUntilHeld())
                } else if stop == 1 {
                    #expect(bench.executor.waitUntilHeld())
                    #expect(try bench.service.snapshot(ids[0]).attempts == 2)
                    #expect(bench.observer.notices == [.resumed(queued: 4, triedAgain: 1, failed: 0)])
                    #expect(try bench.service.snapshot(ids[1]).position == 0)
                } else {
                    #expect(bench.observer.waitForEnds(4))
                    #expect(try bench.service.snapshot(ids[0]).failure == .serverStoppedTwice)
                    #expect(bench.executor.executed == Array(ids[1...]))
                    #expect(bench.observer.notices == [.resumed(queued: 3, triedAgain: 0, failed: 1)])
                    return
                }
                // What a kill leaves is what lies in the files now.
                try FileManager.default.removeItem(atPath: copy.path)
                try FileManager.default.copyItem(atPath: folder.path, toPath: copy.path)
                bench.executor.release()
                #expect(bench.observer.waitForEnds(4))
            }
            try FileManager.default.removeItem(atPath: folder.path)
            try FileManager.default.copyItem(atPath: copy.path, toPath: folder.path)
        }
    }

    @Test func aJobTakenBackIsNotTriedAgain() throws {
        let folder = try ScratchFolder()
        let copy = try ScratchFolder()
        let ids = try {
            // Deaf to its cancellation, so that the stop comes between the cancellation and its end.
            let gate = DispatchSemaphore(value: 0)
            let entered = DispatchSemaphore(value: 0)
            let store = try JobStore(folder: folder.path) { _ in }
            let observer = RecordingObserver()
            let executors = (0..<2).map { _ in GateExecutor(entered: entered, gate: gate) }
            let service = JobService(
                workers: executors.map { JobWorkerDescription(name: "gate", executor: $0) }, store: store,
                clock: ManualJobClock(), observer: observer)
            try service.restore()
            service.start()
            let ids = try (0..<2).map { _ in
                try service.submit(JobPayload(metadata: "", body: []), options: JobOptions(client: "ann")).job.id
            }
            for _ in ids { #expect(entered.wait(timeout: .now() + 60) == .success) }
            try service.cancel(ids[0])
            try service.delete(ids[1])
            try FileManager.default.removeItem(atPath: copy.path)
            try FileManager.default.copyItem(atPath: folder.path, toPath: copy.path)
            for _ in ids { gate.signal() }
            #expect(observer.waitForEnds(2))
            return ids
        }()
        let bench = try JobBench(folder: copy.path)
        #expect(try bench.service.snapshot(ids[0]).state == .cancelled)
        #expect(throws: JobError.notFound(ids[1])) { try bench.service.snapshot(ids[1]) }
        #expect(bench.executor.executed.isEmpty)
        #expect(try folder.names("requests").isEmpty)
    }

    /// A cancellation comes while the request is being stored: its mark is there, its flag not yet raised.
    @Test func aJobTakenBackWhileItIsStoredDoesNotWaitItsTurn() throws {
        let folder = try ScratchFolder()
        let bench = try JobBench(folder: folder.path)
        let store = try #require(bench.store)
        // The job stays between its place in the queue and its record.
        let held = HeldStore(store)
        let (sent, isSent) = (Collected<JobID>(), DispatchSemaphore(value: 0))
        Thread {
            if let id = try? bench.submit(isDurable: true) { sent.add(id) }
            isSent.signal()
        }.start()
        #expect(eventually { bench.service.state.withLock { !$0.live.isEmpty } })
        let accepting = bench.service.state.withLock { $0.live.keys.first }
        bench.service.state.withLock { state in
            for id in state.live.keys { state.live[id]?.record.endRequest = .cancel }
        }
        held.letGo()
        #expect(isSent.wait(timeout: .now() + 60) == .success && bench.observer.waitForEnds(1))
        let id = try #require(sent.all.first)
        #expect(id == accepting)
        #expect(try bench.service.snapshot(id).state == .cancelled)
        #expect(bench.executor.executed.isEmpty)
    }

    private struct GateExecutor: JobExecutor {
        let entered: DispatchSemaphore
        let gate: DispatchSemaphore

        func execute(
            _ work: JobWork, cancellation: JobCancellation, progress: @escaping @Sendable (JobProgress) -> Void
        ) throws(JobExecutionError) -> [JobResultFile] {
            entered.signal()
            gate.wait()
            return []
        }
    }

    @Test func idempotencyKeys() throws {
        let folder = try ScratchFolder()
        var configuration = JobConfiguration()
        configuration.waitingLimit = 1
        let id = try {
            let bench = try JobBench(folder: folder.path, configuration: configuration)
            defer { bench.close() }
            let id = try bench.submit("hold", body: [1]) { $0.idempotencyKey = "k" }
            #expect(bench.executor.waitUntilHeld())
            try bench.submit("hold", body: [1], client: "bob") { $0.idempotencyKey = "k" }
            // The queue is full, and the replay does not care.
            #expect(try bench.submit("hold", body: [1]) { $0.idempotencyKey = "k" } == id)
            let conflict = JobError.idempotencyConflict(key: "k", existing: id)
            #expect(throws: conflict) { try bench.submit("hold", body: [2]) { $0.idempotencyKey = "k" } }
            #expect(throws: conflict) { try bench.submit("hol", body: [0x64, 1]) { $0.idempotencyKey = "k" } }
            bench.executor.release()
            bench.executor.release()
            #expect(bench.observer.waitForEnds(2))
            #expect(try folder.names("results").count == 2)
            return id
        }()
        let bench = try JobBench(folder: folder.path)
        var options = JobOptions(client: "ann")
        options.idempotencyKey = "k"
        let again = try bench.service.submit(JobPayload(metadata: "hold", body: [1]), options: options)
        #expect(again.isReplay)
        #expect(again.job.id == id)
        #expect(again.job.state == .succeeded)
        try bench.service.delete(id)
        #expect(try bench.submit("work", body: [2]) { $0.idempotencyKey = "k" } != id)
        #expect(bench.observer.waitForEnds(1))
    }

    /// The same key from many threads at once is one job.
    @Test func idempotencyKeysInARace() throws {
        let folder = try ScratchFolder()
        let bench = try JobBench(folder: folder.path)
        let ids = Collected<JobID>()
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            do {
                ids.add(try bench.submit("work", body: [1]) { $0.idempotencyKey = "k" })
            } catch {
                Issue.record(error)
            }
        }
        #expect(ids.all.count == 8)
        #expect(Set(ids.all).count == 1)
        #expect(bench.observer.waitForEnds(1))
        #expect(bench.executor.executed.count == 1)
        #expect(try folder.names("requests").isEmpty)
        #expect(bench.service.metrics.waiting[.normal] == 0)
    }

    /// Two that passed the look-up together: the store takes one.
    @Test func theStoreTakesAKeyOnce() throws {
        let folder = try ScratchFolder()
        let store = try JobStore(folder: folder.path) { _ in }
        let records = (0..<2).map { _ in
            JobRecord(
                id: JobID(), client: "ann", priority: .normal, cost: 1, metadata: "",
                createdAt: JobInstant(unixMilliseconds: 0), deadline: nil, idempotencyKey: "k", payloadDigest: [1],
                requestByteCount: 1)
        }
        #expect(try store.accept(records[0], body: [1]).id == records[0].id)
        #expect(try store.accept(records[1], body: [1]).id == records[0].id)
        #expect(try folder.names("requests") == [records[0].id.description])
    }

    @Test func deletedJobsLeaveNothing() throws {
        let folder = try ScratchFolder()
        let bench = try JobBench(folder: folder.path)
        let running = try bench.submit("hold", isDurable: true)
        let waiting = try bench.submit(isDurable: true)
        #expect(bench.executor.waitUntilHeld())
        for id in [running, waiting] { try bench.service.delete(id) }
        #expect(bench.observer.waitForEnds(2))
        let done = try bench.submit(isDurable: true)
        #expect(bench.observer.waitForEnds(1))
        #expect(try folder.names("results") == [done.description])
        try bench.service.delete(done)
        for id in [running, waiting, done] {
            #expect(throws: JobError.notFound(id)) { try bench.service.snapshot(id) }
        }
        #expect(try bench.service.list(client: nil).jobs.isEmpty)
        #expect(try folder.names("requests").isEmpty)
        #expect(try folder.names("results").isEmpty)
    }

    @Test func lists() throws {
        let folder = try ScratchFolder()
        let bench = try JobBench(folder: folder.path)
        var own: [JobID] = []
        for number in 0..<7 {
            own.append(try bench.submit(number == 3 ? "fail" : "work", isDurable: true))
            try bench.submit(client: "bob", isDurable: true)
        }
        try bench.submit()
        #expect(bench.observer.waitForEnds(15))
        var listed: [JobID] = []
        var cursor: String?
        repeat {
            let page = try bench.service.list(client: "ann", limit: 3, cursor: cursor)
            #expect(page.jobs.count <= 3)
            listed += page.jobs.map(\.id)
            cursor = page.nextCursor
        } while cursor != nil
        #expect(listed == own.reversed())
        #expect(try bench.service.list(client: "ann", state: .failed).jobs.map(\.id) == [own[3]])
        #expect(try bench.service.list(client: nil).jobs.count == 14)
        #expect(try bench.service.list(client: "eve").jobs.isEmpty)
        for cursor in ["", "-1", "+5", "x", "99999999999999999999", "5 OR 1=1"] {
            #expect(throws: JobError.invalidCursor(cursor)) { try bench.service.list(client: nil, cursor: cursor) }
        }
        for limit in [0, -1, JobService.pageLimit + 1] {
            #expect(throws: JobError.self) { try bench.service.list(client: nil, limit: limit) }
        }
    }

    @Test func resultsExpireByTime() throws {
        let folder = try ScratchFolder()
        var retention = JobRetention()
        retention.resultSeconds = 100
        retention.recordSeconds = 1000
        let bench = try JobBench(folder: folder.path, retention: retention)
        let done = try bench.submit(isDurable: true)
        let failed = try bench.submit("fail", isDurable: true)
        #expect(bench.observer.waitForEnds(2))
        bench.clock.advance(bySeconds: 99)
        let held = try bench.service.result(done)
        bench.clock.advance(bySeconds: 60)
        #expect(throws: JobError.expired(done)) { try bench.service.result(done) }
        #expect(try bench.service.snapshot(done).state == .expired)
        #expect(try bench.service.snapshot(failed).state == .expired)
        #expect(try bench.service.snapshot(failed).failure?.code == "unfit")
        #expect(try folder.names("results").isEmpty)
        // Who has it open keeps it.
        #expect(try held.bytes(of: 1) == [3, 2, 1])
        bench.clock.advance(bySeconds: 1030)
        #expect(throws: JobError.notFound(done)) { try bench.service.result(done) }
        #expect(try bench.service.list(client: nil).jobs.isEmpty)
    }

    /// A clock that is set back puts nothing off: what ends after that is kept no longer than it should be.
    @Test func resultsExpireAfterTheClockWasSetBack() throws {
        let folder = try ScratchFolder()
        var retention = JobRetention()
        retention.resultSeconds = 60
        let bench = try JobBench(folder: folder.path, retention: retention)
        bench.clock.advance(bySeconds: 100)
        bench.clock.setDate(bySeconds: -3600)
        let (kept, transient) = (try bench.submit(isDurable: true), try bench.submit())
        #expect(bench.observer.waitForEnds(2))
        bench.clock.advance(bySeconds: 180)
        #expect(throws: JobError.expired(kept)) { try bench.service.result(kept) }
        #expect(throws: JobError.notFound(transient)) { try bench.service.result(transient) }
        #expect(bench.clock.alarmCount == 1)
    }

    @Test func resultsExpireBySize() throws {
        let folder = try ScratchFolder()
        var retention = JobRetention()
        retention.resultBytes = 2500
        let bench = try JobBench(folder: folder.path, retention: retention)
        var ids: [JobID] = []
        for _ in 0..<4 {
            ids.append(try bench.submit(body: [UInt8](repeating: 7, count: 1000), isDurable: true))
            #expect(bench.observer.waitForEnds(1))
            bench.clock.advance(bySeconds: 1)
        }
        bench.clock.advance(bySeconds: 30)
        #expect(try ids.map { try bench.service.snapshot($0).state } == [.expired, .expired, .succeeded, .succeeded])
        #expect(try folder.names("results").count == 2)
        // One that is too large alone stays until the next.
        let large = try bench.submit(body: [UInt8](repeating: 7, count: 3000), isDurable: true)
        #expect(bench.observer.waitForEnds(1))
        bench.clock.advance(bySeconds: 30)
        #expect(try ids.map { try bench.service.snapshot($0).state } == [.expired, .expired, .expired, .expired])
        #expect(try bench.service.result(large).bytes(of: 1).count == 3000)
    }
}
