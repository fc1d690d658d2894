import Synchronization

/// A bound on what several backends of one machine hold together: what is in use, and what they keep for reuse.
public final class SharedMemoryLimit: Sendable {
    /// Bytes that may be held at once.
    public let limitBytes: Int
    private let state = Mutex(State())

    private struct State {
        var usedBytes = 0
        var keptBytes = 0
        var members: [Member] = []
    }

    private struct Member {
        weak var allocator: HostAllocator?
    }

    /// What becomes of a request.
    enum Answer {
        /// The bytes count.
        case granted
        /// There would be room for them if nothing were kept.
        case crowded
        case refused
    }

    /// Nothing is in use yet.
    public init(limitBytes: Int) {
        self.limitBytes = limitBytes
    }

    /// Bytes in use now.
    public var usedBytes: Int { state.withLock { $0.usedBytes } }

    /// Bytes that are kept for reuse.
    package var keptBytes: Int { state.withLock { $0.keptBytes } }

    /// Has an allocator be asked for what it keeps when others need room.
    func join(_ allocator: HostAllocator) {
        let living = state.withLock { state in
            let living = state.members.compactMap(\.allocator)
            state.members = (living + [allocator]).map { Member(allocator: $0) }
            return living
        }
        // The last reference to one must not go while the lock is held, which its end takes too.
        withExtendedLifetime(living) {}
    }

    /// Counts bytes as in use if there is room for them; those that are kept now, with `isKept`.
    func take(_ byteCount: Int, isKept: Bool) -> Answer {
        state.withLock { state in
            guard byteCount <= limitBytes - state.usedBytes else { return .refused }
            let others = isKept ? state.keptBytes - byteCount : state.keptBytes
            guard byteCount <= limitBytes - state.usedBytes - others else { return .crowded }
            state.usedBytes += byteCount
            return .granted
        }
    }

    func giveBack(_ byteCount: Int) {
        state.withLock { $0.usedBytes -= byteCount }
    }

    /// An allocator keeps so many bytes more, or less.
    func changeKept(by byteCount: Int) {
        state.withLock { $0.keptBytes += byteCount }
    }

    /// Has all allocators free what they keep; to be called without the lock of any.
    func releaseKept() {
        for allocator in state.withLock({ $0.members.compactMap(\.allocator) }) { allocator.releaseKept() }
    }
}
