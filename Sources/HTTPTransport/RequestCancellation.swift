import Synchronization

/// Tells a handler that nobody waits for its answer any more.
public final class RequestCancellation: Sendable {
    private enum State {
        case waiting([@Sendable () -> Void])
        case cancelled
    }

    private let state = Mutex(State.waiting([]))

    /// A request that nobody has given up.
    public init() {}

    /// True once the client has gone.
    public var isCancelled: Bool {
        state.withLock { if case .cancelled = $0 { true } else { false } }
    }

    /// Runs `action` when the client goes, on the event loop: it must not wait; at once if the client has gone already.
    public func onCancel(_ action: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            guard case .waiting(let actions) = state else { return true }
            state = .waiting(actions + [action])
            return false
        }
        if isLate { action() }
    }

    /// Runs the actions once. They run outside of the lock.
    public func cancel() {
        let actions = state.withLock { state -> [@Sendable () -> Void] in
            guard case .waiting(let actions) = state else { return [] }
            state = .cancelled
            return actions
        }
        for action in actions { action() }
    }
}
