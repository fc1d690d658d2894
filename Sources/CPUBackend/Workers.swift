import Dispatch
import Synchronization

/// The threads that share one operation's work. Nothing else of the
/// engine makes threads, and the libraries below are held at one.
struct Workers: Sendable {
    /// At least 1.
    let count: Int
    /// True if no task is ever run: a rehearsal's tensors have no memory behind them.
    let isRehearsing: Bool

    init(count: Int, isRehearsing: Bool = false) {
        self.count = max(count, 1)
        self.isRehearsing = isRehearsing
    }

    /// Calls `body(worker, task)` once for each task, each worker taking the next task that is free; returns when all
    /// are done. Two calls with the same worker never overlap, so that a worker may own scratch memory.
    func run(tasks: Int, _ body: (_ worker: Int, _ task: Int) -> Void) {
        guard !isRehearsing else { return }
        let used = min(count, tasks)
        guard used > 1 else {
            for task in 0..<max(tasks, 0) { body(0, task) }
            return
        }
        withoutActuallyEscaping(body) { body in
            let shared = SharedBody(call: body)
            let next = Atomic<Int>(0)
            DispatchQueue.concurrentPerform(iterations: used) { worker in
                while true {
                    let task = next.add(1, ordering: .relaxed).oldValue
                    guard task < tasks else { return }
                    shared.call(worker, task)
                }
            }
        }
    }

    // @unchecked because the bodies capture pointers to tensors and write
    // disjoint parts of them, and `run` returns only after the last call.
    private struct SharedBody: @unchecked Sendable {
        let call: (_ worker: Int, _ task: Int) -> Void
    }

    /// Splits `0 ..< extent` into ranges of at least `grain`, at most `perWorker` for each worker, and calls `body`
    /// once for each.
    func split(
        _ extent: Int, grain: Int, perWorker: Int = 4, _ body: (_ worker: Int, _ range: Range<Int>) -> Void
    ) {
        guard extent > 0 else { return }
        let pieces = max(1, min(count * perWorker, extent / max(grain, 1)))
        run(tasks: pieces) { worker, piece in
            let range = (extent * piece / pieces)..<(extent * (piece + 1) / pieces)
            body(worker, range)
        }
    }
}
