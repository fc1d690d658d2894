import Dispatch
import Jobs
import Synchronization
import Testing

struct JobEventTests {
    /// Counts calls.
    private final class Counter: Sendable {
        private let count = Mutex(0)
        var value: Int { count.withLock { $0 } }
        func increase() { count.withLock { $0 += 1 } }
    }

    private static func report(_ step: Int) -> JobProgress {
        JobProgress(stage: "steps", step: step, total: 20, fraction: Double(step) / 20, preview: [UInt8(step)])
    }

    @Test func aJobIsFollowedFromTheQueueToItsEnd() throws {
        let bench = try JobBench(reports: [Self.report(1)])
        try bench.submit("hold")
        #expect(bench.executor.waitUntilHeld())
        let second = try bench.submit("hold")
        let third = try bench.submit("work")
        let calls = Counter()
        let events = try bench.service.events(third) { calls.increase() }
        #expect(events.take() == [.waiting(position: 1, estimatedStartSeconds: nil)])
        #expect(events.take() == [])
        #expect(calls.value == 1)
        bench.executor.release()
        #expect(bench.executor.waitUntilHeld())
        let moved = events.take()
        guard case .waiting(let position, let seconds) = moved.first else {
            Issue.record("\(moved)")
            return
        }
        #expect(moved.count == 1)
        #expect(position == 0)
        #expect(seconds == 0)
        #expect(try bench.service.snapshot(second).progress?.step == 1)
        #expect(try bench.service.snapshot(second).progress?.preview == nil)
        bench.executor.release()
        #expect(try bench.waitForEnd(of: third))
        let last = events.take()
        #expect(last.dropLast() == [.started, .progress(Self.report(1))])
        #expect(last.last == .ended(try bench.service.snapshot(third)))
        #expect(events.take() == [])
    }

    @Test func aSlowListenerLosesProgressAndNeverTheEnd() throws {
        let bench = try JobBench(reports: (1...20).map(Self.report))
        let id = try bench.submit("hold")
        let calls = Counter()
        #expect(bench.executor.waitUntilHeld())
        let early = try bench.service.events(id) { calls.increase() }
        #expect(early.take() == [.started, .progress(Self.report(20))])
        bench.executor.release()
        #expect(bench.observer.waitForEnds(1))

        try bench.submit("hold")
        #expect(bench.executor.waitUntilHeld())
        let slow = try bench.submit("work")
        let listener = try bench.service.events(slow) { calls.increase() }
        bench.executor.release()
        #expect(try bench.waitForEnd(of: slow))
        let events = listener.take()
        #expect(events.first == .started)
        #expect(events.dropFirst().dropLast() == (13...20).map { .progress(Self.report($0)) }[...])
        guard case .ended(let job) = events.last else {
            Issue.record("\(events)")
            return
        }
        #expect(job.state == .succeeded)
    }

    @Test func oneThatHasEndedTellsItAtOnce() throws {
        let bench = try JobBench()
        let id = try bench.submit("fail")
        #expect(bench.observer.waitForEnds(1))
        let calls = Counter()
        let events = try bench.service.events(id) { calls.increase() }
        #expect(calls.value == 1)
        #expect(events.take() == [.ended(try bench.service.snapshot(id))])
        #expect(throws: JobError.notFound(JobID("aaaaaaaaaaaaaaaaaaaaaa")!)) {
            try bench.service.events(JobID("aaaaaaaaaaaaaaaaaaaaaa")!) {}
        }
    }

    @Test func listenersAreLimitedAndLeave() throws {
        var configuration = JobConfiguration()
        configuration.subscriberLimit = 2
        let bench = try JobBench(configuration: configuration)
        let id = try bench.submit("hold")
        #expect(bench.executor.waitUntilHeld())
        let calls = Counter()
        let first = try bench.service.events(id) { calls.increase() }
        let second = try bench.service.events(id) {}
        #expect(throws: JobError.tooManySubscribers(limit: 2)) { try bench.service.events(id) {} }
        first.cancel()
        let before = calls.value
        let news = DispatchSemaphore(value: 0)
        let third = try bench.service.events(id) { news.signal() }
        #expect(third.take() == [.started])
        bench.executor.release()
        // Once for the start, once for the end.
        for _ in 0..<2 { #expect(news.wait(timeout: .now() + 60) == .success) }
        #expect(calls.value == before)
        #expect(first.take() == [])
        for events in [second, third] {
            guard case .ended = events.take().last else {
                Issue.record("no end")
                return
            }
        }
    }
}
