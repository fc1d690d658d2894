import Synchronization

/// What several backends of one machine hold together: what is in use, perhaps up to a bound, and what they keep for
/// reuse. As with a single one, kept blocks never raise the peak of what was in use at once.
public final class SharedMemoryLimit: Sendable {
    /// Bytes that may be held at once; nil for any.
    public let limitBytes: Int?
    private let state = Mutex(State())

    private struct State {
        var usedBytes = 0
        /// Of those the memory of the process itself, without what is lent of mappings, and the most of it.
        var ownBytes = 0
        var peakOwnBytes = 0
        var keptBytes = 0
        var members: [Member] = []
    }

    private struct Member {
        weak var allocator: HostAllocator?
    }

    /// What becomes of a request.
    enum Answer {
        /// The bytes count; so many may the one that asked keep besides.
        case granted(mayStay: Int)
        /// There would be room for them if nothing were kept.
        case crowded
        case refused
    }

    /// Nothing is in use yet.
    public init(limitBytes: Int?) {
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

    /// Counts bytes as in use if there is room for them.
    ///
    /// - Parameters:
    ///   - isKept: true for bytes that are kept now.
    ///   - isLent: true for bytes of a mapping.
    ///   - ownKeptBytes: what the asking allocator keeps itself, which it can give up.
    func take(_ byteCount: Int, isKept: Bool, isLent: Bool, ownKeptBytes: Int) -> Answer {
        state.withLock { state in
            let limit = limitBytes ?? Int.max
            guard byteCount <= limit - state.usedBytes else { return .refused }
            let kept = isKept ? state.keptBytes - byteCount : state.keptBytes
            guard byteCount <= limit - state.usedBytes - kept else { return .crowded }
            let own = state.ownBytes + (isLent ? 0 : byteCount)
            let peak = max(state.peakOwnBytes, own)
            // A block that was kept adds nothing to what is there.
            guard isKept || isLent || state.keptBytes - ownKeptBytes <= peak - own else { return .crowded }
            state.usedBytes += byteCount
            (state.ownBytes, state.peakOwnBytes) = (own, peak)
            return .granted(mayStay: isKept ? kept : peak - own - (state.keptBytes - ownKeptBytes))
        }
    }

    /// Bytes are not in use any more.
    func giveBack(_ byteCount: Int, isLent: Bool) {
        state.withLock { state in
            state.usedBytes -= byteCount
            if !isLent { state.ownBytes -= byteCount }
        }
    }

    /// Starts a new peak at what is in use now.
    func resetPeak() {
        state.withLock { $0.peakOwnBytes = $0.ownBytes }
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
