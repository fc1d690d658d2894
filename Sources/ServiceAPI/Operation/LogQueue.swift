import Dispatch
import Foundation
import Synchronization

/// Lines on their way to a log that may be slow to take them, or never take them: whoever logs does not wait.
///
/// A thread of its own writes them. Lines beyond the limits are dropped and counted; the count is written as soon as a
/// line can be written again.
public final class LogQueue: Sendable {
    /// The most that may wait.
    public struct Limits: Sendable {
        /// Lines, and their bytes.
        public var lines = 10_000
        public var bytes = 4 << 20

        /// The limits that each property has by default.
        public init() {}
    }

    private struct State {
        var waiting: [String] = []
        var byteCount = 0
        var droppedCount = 0
        /// The thread is at work, or was told to be.
        var isAwake = false
        var whenWritten: [DispatchSemaphore] = []
    }

    private let limits: Limits
    private let dropped: @Sendable (Int) -> String
    private let output: @Sendable (String) throws -> Void
    private let state = Mutex(State())
    private let news = DispatchSemaphore(value: 0)

    /// A queue in front of `output`, which takes whole lines and may block; what it throws on is dropped. `dropped`
    /// makes the line about so many that were.
    public init(
        limits: Limits = Limits(), dropped: @escaping @Sendable (Int) -> String,
        output: @escaping @Sendable (String) throws -> Void
    ) {
        self.limits = limits
        self.dropped = dropped
        self.output = output
        // Blocking work, for which Dispatch's few threads are too dear. It lives as long as the process.
        let thread = Thread { [self] in
            while true {
                news.wait()
                writeWaiting()
            }
        }
        thread.name = "mica.log"
        thread.start()
    }

    /// Adds a line, without its end. Never blocks.
    public func add(_ line: String) {
        let size = line.utf8.count + 1
        let wakes = state.withLock { state in
            guard state.waiting.count < limits.lines, size <= limits.bytes - state.byteCount else {
                state.droppedCount += 1
                return false
            }
            state.waiting.append(line)
            state.byteCount += size
            defer { state.isAwake = true }
            return !state.isAwake
        }
        if wakes { news.signal() }
    }

    /// Waits until everything is written that was added before, for so long at most. False if it was not.
    @discardableResult
    public func flush(withinSeconds seconds: Double) -> Bool {
        let done = DispatchSemaphore(value: 0)
        let waits = state.withLock { state in
            if state.isAwake { state.whenWritten.append(done) }
            return state.isAwake
        }
        return !waits || done.wait(timeout: .now() + seconds) == .success
    }

    private func writeWaiting() {
        while true {
            let (lines, droppedCount, whenWritten) = state.withLock { state in
                let batch = (state.waiting, state.droppedCount, state.whenWritten)
                state.waiting = []
                state.byteCount = 0
                state.isAwake = !batch.0.isEmpty
                if state.isAwake { state.droppedCount = 0 } else { state.whenWritten = [] }
                return batch
            }
            guard !lines.isEmpty else {
                for semaphore in whenWritten { semaphore.signal() }
                return
            }
            write(lines, droppedCount)
        }
    }

    private func write(_ lines: [String], _ droppedCount: Int) {
        // Those that were dropped came after the ones that waited.
        let all = droppedCount > 0 ? lines + [dropped(droppedCount)] : lines
        do {
            try output(all.joined(separator: "\n") + "\n")
        } catch {
            state.withLock { $0.droppedCount += lines.count + droppedCount }
        }
    }
}
