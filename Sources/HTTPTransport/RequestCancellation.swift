import Synchronization

/// Tells a handler that nobody waits for its answer any more.
public final class RequestCancellation: Sendable {
    private enum State {
        case waiting([@Sendable () -> Void])
        /// The client sends no more, and nobody has asked to hear of its going.
        case ended
        case cancelled
        /// It was answered: nobody is to be told any more.
        case over
    }

    private let state = Mutex(State.waiting([]))
    /// Called, on any thread, if `onCancel` comes after the client's end.
    private let whenGivenUp: (@Sendable () -> Void)?

    /// A request that nobody has given up.
    public convenience init() { self.init(whenGivenUp: nil) }

    init(whenGivenUp: (@Sendable () -> Void)?) {
        self.whenGivenUp = whenGivenUp
    }

    /// True once the client has gone.
    public var isCancelled: Bool {
        state.withLock { if case .cancelled = $0 { true } else { false } }
    }

    /// Runs `action` when the client goes, on the event loop: it must not wait; at once if the client has gone already;
    /// never once the request was answered.
    ///
    /// To ask for this is to take a client that sends no more for one that has gone: they look the same until somebody
    /// writes to them. A request of which nobody wants to hear is answered to a client that only ended its half.
    public func onCancel(_ action: @escaping @Sendable () -> Void) {
        let (isLate, givesUp) = state.withLock { state in
            switch state {
            case .waiting(let actions):
                state = .waiting(actions + [action])
                return (false, false)
            case .ended:
                state = .cancelled
                return (true, true)
            case .cancelled: return (true, false)
            case .over: return (false, false)
            }
        }
        if isLate { action() }
        if givesUp { whenGivenUp?() }
    }

    /// The client sends no more. True if somebody wants to hear of its going: then it counts as gone.
    func clientEnded() -> Bool {
        state.withLock { state in
            switch state {
            case .waiting(let actions) where actions.isEmpty:
                state = .ended
                return false
            case .waiting, .cancelled: return true
            case .ended, .over: return false
            }
        }
    }

    /// Runs the actions once. They run outside of the lock.
    public func cancel() {
        let actions = state.withLock { state -> [@Sendable () -> Void] in
            switch state {
            case .waiting(let actions):
                state = .cancelled
                return actions
            case .ended:
                state = .cancelled
                return []
            case .cancelled, .over: return []
            }
        }
        for action in actions { action() }
    }

    /// The request was answered. Lets go of the actions, which usually hold the request and with it this object.
    func settle() {
        // What is let go of may do anything as it goes: outside of the lock.
        _ = state.withLock { state -> State in
            let before = state
            switch state {
            case .waiting, .ended: state = .over
            case .cancelled, .over: break
            }
            return before
        }
    }
}
