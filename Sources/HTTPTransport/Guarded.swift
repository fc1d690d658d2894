import Glibc

/// A value that one thread at a time uses.
///
/// ThreadSanitizer sees POSIX locks and not `Synchronization.Mutex` (Swift 6.3 on Linux): where threads meet often,
/// this lets it tell a real race from none.
// @unchecked because the value is reached with the lock held only.
final class Guarded<Value: Sendable>: @unchecked Sendable {
    private var value: Value
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init(_ value: Value) {
        self.value = value
        lock.initialize(to: pthread_mutex_t())
        pthread_mutex_init(lock, nil)
    }

    deinit {
        pthread_mutex_destroy(lock)
        lock.deinitialize(count: 1)
        lock.deallocate()
    }

    /// `body` must not use this value again.
    func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return body(&value)
    }
}
