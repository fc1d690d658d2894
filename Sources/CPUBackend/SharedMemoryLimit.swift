import Synchronization

/// A bound on what several backends of one machine hold together.
public final class SharedMemoryLimit: Sendable {
    /// Bytes that may be in use at once.
    public let limitBytes: Int
    private let used = Mutex(0)

    /// Nothing is in use yet.
    public init(limitBytes: Int) {
        self.limitBytes = limitBytes
    }

    /// Bytes in use now.
    public var usedBytes: Int { used.withLock { $0 } }

    /// True, and the bytes count, if there is room for them.
    func take(_ byteCount: Int) -> Bool {
        used.withLock { used in
            guard used + byteCount <= limitBytes else { return false }
            used += byteCount
            return true
        }
    }

    func giveBack(_ byteCount: Int) {
        used.withLock { $0 -= byteCount }
    }
}
