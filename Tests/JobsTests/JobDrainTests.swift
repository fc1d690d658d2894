import Dispatch
import Synchronization
import Testing

@testable import Jobs

struct JobDrainTests {
    @Test func runningJobsEndWithinTheGrace() throws {
        let folder = try ScratchFolder()
        let bench = try JobBench(folder: folder.path)
        let running = try bench.submit("hold", isDurable: true)
        let waiting = try bench.submit(isDurable: true)
        let transient = try bench.submit()
        #expect(bench.executor.waitUntilHeld())
        let done = DispatchSemaphore(value: 0)
        bench.service.drain(graceSeconds: 20) { done.signal() }
        #expect(try bench.service.snapshot(transient).failure == .serverStopping)
        #expect(bench.service.metrics.isDraining)
        // When to come again does not depend on what runs here.
        #expect(throws: JobError.rejected(JobRejection(.draining, retryAfterSeconds: 5))) { try bench.submit() }
        #expect(bench.service.metrics.rejectedTotal == ["draining": 1])
        bench.executor.release()
        #expect(done.wait(timeout: .now() + 60) == .success)
        #expect(try bench.service.snapshot(running).state == .succeeded)
        #expect(try bench.service.snapshot(waiting).state == .queued)
        #expect(bench.executor.executed == [running])
    }

    /// Jobs that wait do not run any more: whoever follows them must not be kept waiting for the whole grace.
    @Test func followersOfJobsThatLiveOnAreTold() throws {
        let folder = try ScratchFolder()
        let bench = try JobBench(folder: folder.path)
        let running = try bench.submit("hold", isDurable: true)
        #expect(bench.executor.waitUntilHeld())
        let waiting = try bench.submit(isDurable: true)
        let news = DispatchSemaphore(value: 0)
        let follower = try bench.service.events(waiting) { news.signal() }
        let other = try bench.service.events(running) {}
        _ = follower.take()
        let done = DispatchSemaphore(value: 0)
        bench.service.drain(graceSeconds: 20) { done.signal() }
        #expect(follower.take().allSatisfy { $0 != .suspended })
        bench.executor.release()
        #expect(done.wait(timeout: .now() + 60) == .success)
        #expect(follower.take().last == .suspended && follower.take().isEmpty)
        guard case .ended = other.take().last else {
            Issue.record("the running job has ended")
            return
        }
        // Also those who come later.
        #expect(try bench.service.events(waiting) {}.take().last == .suspended)
        #expect(try bench.service.snapshot(waiting).state == .queued)
    }

    @Test func afterTheGraceJobsGoBackToTheStore() throws {
        let folder = try ScratchFolder()
        let (durable, transient) = try {
            let bench = try JobBench(workers: 2, folder: folder.path)
            defer { bench.close() }
            let durable = try bench.submit("hold", isDurable: true)
            let transient = try bench.submit("hold")
            #expect(bench.executors.allSatisfy { $0.waitUntilHeld() })
            let done = DispatchSemaphore(value: 0)
            bench.service.drain(graceSeconds: 20) { done.signal() }
            bench.clock.advance(bySeconds: 19)
            #expect(try bench.service.snapshot(durable).state == .running)
            bench.clock.advance(bySeconds: 1)
            #expect(done.wait(timeout: .now() + 60) == .success)
            #expect(try bench.service.snapshot(transient).failure == .serverStopping)
            #expect(try bench.service.snapshot(durable).state == .queued)
            #expect(try bench.service.snapshot(durable).attempts == 0)
            return (durable, transient)
        }()
        let bench = try JobBench(folder: folder.path)
        #expect(bench.executor.waitUntilHeld())
        #expect(try bench.service.snapshot(durable).attempts == 1)
        #expect(throws: JobError.notFound(transient)) { try bench.service.snapshot(transient) }
        bench.executor.release()
        #expect(bench.observer.waitForEnds(1))
        #expect(try bench.service.snapshot(durable).state == .succeeded)
    }

    /// A client takes its job back just while that goes back to the store: it was told that it ends, and it does.
    @Test(arguments: [true, false]) func aJobTakenBackWhileItGoesBackToTheStoreEnds(isDeleted: Bool) throws {
        let folder = try ScratchFolder()
        let id = try {
            let bench = try JobBench(folder: folder.path)
            defer { bench.close() }
            let id = try bench.submit("hold", isDurable: true)
            #expect(bench.executor.waitUntilHeld())
            let held = HeldStore(try #require(bench.store))
            let done = DispatchSemaphore(value: 0)
            bench.service.drain(graceSeconds: 20) { done.signal() }
            bench.clock.advance(bySeconds: 20)
            #expect(eventually { bench.service.state.withLock { $0.live[id]?.phase == .ending } })
            if isDeleted { try bench.service.delete(id) } else { try bench.service.cancel(id) }
            held.letGo()
            #expect(done.wait(timeout: .now() + 10) == .success && bench.observer.waitForEnds(1))
            #expect(bench.observer.ended.map(\.state) == [.cancelled])
            return id
        }()
        let bench = try JobBench(folder: folder.path)
        if isDeleted {
            #expect(throws: JobError.notFound(id)) { try bench.service.snapshot(id) }
        } else {
            #expect(try bench.service.snapshot(id).state == .cancelled)
        }
        #expect(bench.executor.executed.isEmpty)
        #expect(try folder.names("requests").isEmpty)
    }

    @Test func anIdleServiceIsDoneAtOnce() throws {
        let bench = try JobBench()
        bench.service.drain(graceSeconds: 20)
        bench.service.drain(graceSeconds: 20)
    }

    /// Ignores its cancellation.
    private struct DeafExecutor: JobExecutor {
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

    @Test func aDeafJobDoesNotHoldTheStopForever() throws {
        let clock = ManualJobClock()
        let observer = RecordingObserver()
        let executor = DeafExecutor(entered: DispatchSemaphore(value: 0), gate: DispatchSemaphore(value: 0))
        let service = JobService(
            workers: [JobWorkerDescription(name: "deaf", executor: executor)], store: nil, clock: clock,
            observer: observer)
        service.start()
        var options = JobOptions(client: "ann")
        options.isDurable = false
        let id = try service.submit(JobPayload(metadata: "", body: []), options: options).job.id
        #expect(executor.entered.wait(timeout: .now() + 60) == .success)
        let done = DispatchSemaphore(value: 0)
        service.drain(graceSeconds: 20) { done.signal() }
        clock.advance(bySeconds: 29.9)
        #expect(done.wait(timeout: .now()) == .timedOut)
        clock.advance(bySeconds: 0.1)
        #expect(done.wait(timeout: .now()) == .success)
        #expect(observer.notices == [.stillRunning(jobs: [id])])
        executor.gate.signal()
        #expect(observer.waitForEnds(1))
    }
}
