import Dispatch
import ServiceAPI
import Synchronization
import Testing

@Suite struct LogQueueTests {
    /// A log that takes nothing until it is let go.
    private final class StalledLog: Sendable {
        let gate = DispatchSemaphore(value: 0)
        let entered = DispatchSemaphore(value: 0)
        private let taken = Mutex("")

        var lines: [Substring] { taken.withLock { $0 }.split(separator: "\n") }

        func take(_ text: String) {
            entered.signal()
            gate.wait()
            taken.withLock { $0 += text }
        }
    }

    private enum Failure: Error {
        case full
    }

    private func queue(_ log: StalledLog, _ change: (inout LogQueue.Limits) -> Void = { _ in }) -> LogQueue {
        var limits = LogQueue.Limits()
        change(&limits)
        return LogQueue(limits: limits) {
            "\($0) dropped"
        } output: {
            log.take($0)
        }
    }

    @Test func linesKeepTheirOrder() {
        let log = StalledLog()
        let queue = queue(log)
        for _ in 0..<1000 { log.gate.signal() }
        for number in 0..<1000 { queue.add("\(number)") }
        #expect(queue.flush(withinSeconds: 30))
        #expect(log.lines == (0..<1000).map { "\($0)" })
    }

    /// Whoever logs goes on, the memory is bounded, and the log says what is missing once it can.
    @Test(arguments: [(5, 1 << 20), (1000, 5 * 4)]) func aLogThatStallsHoldsNobodyUp(lines: Int, bytes: Int) {
        let log = StalledLog()
        let queue = queue(log) {
            $0.lines = lines
            $0.bytes = bytes
        }
        queue.add("first")
        log.entered.wait()
        for number in 100..<200 { queue.add("\(number)") }
        #expect(!queue.flush(withinSeconds: 0))
        for _ in 0..<2 { log.gate.signal() }
        #expect(queue.flush(withinSeconds: 30))
        #expect(log.lines == ["first", "100", "101", "102", "103", "104", "95 dropped"])
        log.gate.signal()
        queue.add("next")
        #expect(queue.flush(withinSeconds: 30))
        #expect(log.lines.last == "next")
    }

    /// A reader that is gone, for a time or for good.
    @Test func aLogThatFailsIsTriedAgain() {
        let taken = Mutex((tries: 0, text: ""))
        let queue = LogQueue {
            "\($0) dropped"
        } output: { text in
            try taken.withLock { taken throws in
                taken.tries += 1
                guard taken.tries > 2 else { throw Failure.full }
                taken.text += text
            }
        }
        for line in ["a", "b", "c"] {
            queue.add(line)
            #expect(queue.flush(withinSeconds: 30))
        }
        #expect(taken.withLock { $0.text } == "c\n2 dropped\n")
        #expect(taken.withLock { $0.tries } == 3)
    }
}
