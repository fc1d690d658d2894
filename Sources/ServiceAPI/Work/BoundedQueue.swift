import Dispatch
import Synchronization

/// Work that takes time and memory, one piece after another, with few waiting.
///
/// A serial queue has a thread of its own: concurrent ones share as many as there are processors, so that a few long
/// pieces would keep every other request waiting.
final class BoundedQueue: Sendable {
    /// The most pieces that wait or run.
    static let mostPieces = 8

    /// For what must not be refused, since its client has waited for a job.
    let queue: DispatchQueue
    private let count = Mutex(0)

    init(label: String) {
        queue = DispatchQueue(label: label)
    }

    /// Does `work` later; throws if too much waits already.
    func run(_ work: @escaping @Sendable () -> Void) throws(ServiceError) {
        let isTaken = count.withLock { count in
            guard count < Self.mostPieces else { return false }
            count += 1
            return true
        }
        guard isTaken else { throw .busy }
        queue.async { [self] in
            work()
            count.withLock { $0 -= 1 }
        }
    }
}
