import Synchronization

/// A flag that asks one job to end. Each job has its own, so that no abort reaches the next one.
public final class JobCancellation: Sendable {
    /// Who asks.
    enum Reason: Sendable {
        case client
        case deadline
        case shutdown
    }

    private struct State {
        var reason: Reason?
        var actions: [@Sendable () -> Void] = []
    }

    private let flag = Atomic(false)
    private let state = Mutex(State())

    init() {}

    /// True once the job is to end. Cheap: for the steps of a computation.
    public var isCancelled: Bool { flag.load(ordering: .relaxed) }

    /// Calls `action` when the job is to end, on the thread that asks for it: it must not block. At once if the job is
    /// to end already.
    public func onCancel(_ action: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            if state.reason == nil { state.actions.append(action) }
            return state.reason != nil
        }
        if isLate { action() }
    }

    var reason: Reason? { state.withLock { $0.reason } }

    /// Asks the job to end. The first reason stays.
    func raise(_ reason: Reason) {
        let actions = state.withLock { state -> [@Sendable () -> Void] in
            guard state.reason == nil else { return [] }
            state.reason = reason
            defer { state.actions = [] }
            return state.actions
        }
        flag.store(true, ordering: .relaxed)
        for action in actions { action() }
    }
}
