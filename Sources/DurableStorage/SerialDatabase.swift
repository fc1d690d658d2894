import Dispatch

/// A database and the serial queue that is the only place where it is touched.
///
/// Calls block the caller's queue until their turn came and is over: never call from a Swift `Task`.
public final class SerialDatabase: Sendable {
    private let queue = DispatchQueue(label: "mica.jobs.store")
    private let confined: Confined

    // @unchecked because the connection is made before and afterwards used only within `queue`.
    private final class Confined: @unchecked Sendable {
        /// nil once it is closed.
        var database: DatabaseStorage?

        init(_ database: DatabaseStorage) { self.database = database }
    }

    /// Opens or creates the database at `path`; throws as `DatabaseStorage` does.
    public init(path: String) throws(StorageError) {
        confined = Confined(try DatabaseStorage(path: path))
    }

    /// Closes the database once calls under way are over; later ones throw `unavailable`. Another process can open it
    /// as soon as this returns.
    public func close() {
        queue.sync { confined.database = nil }
    }

    /// Runs `body` on the queue and waits for it. Throws what it throws, and `unavailable` after `close`.
    public func perform<T>(_ body: (DatabaseStorage) throws(StorageError) -> T) throws(StorageError) -> T {
        let result = queue.sync { () -> Result<T, StorageError> in
            do throws(StorageError) {
                guard let database = confined.database else { throw .unavailable }
                return .success(try body(database))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Runs `body` on the queue as one transaction and waits for it; nothing of it stays if it throws.
    public func transaction<T>(_ body: (DatabaseStorage) throws(StorageError) -> T) throws(StorageError) -> T {
        try perform { (database) throws(StorageError) -> T in
            try database.transaction { () throws(StorageError) -> T in try body(database) }
        }
    }
}
