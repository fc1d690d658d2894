import Synchronization

/// Tells a handler that nobody waits for its answer any more.
public final class RequestCancellation: Sendable {
    private enum State {
        case waiting([@Sendable () -> Void])
        case cancelled
        /// It was answered: nobody is to be told any more.
        case over
    }

    private let state = Mutex(State.waiting([]))

    /// A request that nobody has given up.
    public init() {}

    /// True once the client has gone.
    public var isCancelled: Bool {
        state.withLock { if case .cancelled = $0 { true } else { false } }
    }

    /// Runs `action` when the client goes, on the event loop: it must not wait; at once if the client has gone already;
    /// never once the request was answered.
    public func onCancel(_ action: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            switch state {
            case .waiting(let actions):
                state = .waiting(actions + [action])
                return false
            case .cancelled: return true
            case .over: return false
            }
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

    /// The request was answered. Lets go of the actions, which usually hold the request and with it this object.
    func settle() {
        // What is let go of may do anything as it goes: outside of the lock.
        _ = state.withLock { state -> State in
            let before = state
            if case .waiting = state { state = .over }
            return before
        }
    }
}
