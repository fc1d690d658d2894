/// Why something could not be kept, or not be read back.
public enum StorageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// No space, no quota, or a file larger than the process may write.
    case full(operation: String, path: String)
    /// The place cannot be written: rights or a read-only file system.
    case readOnly(operation: String, path: String)
    /// The database is damaged.
    case corrupt(path: String, detail: String)
    /// Another process holds the database.
    case inUse(path: String)
    /// A file that should be there is not.
    case missing(path: String)
    /// The database was written by a newer release.
    case newerSchema(path: String, found: Int, known: Int)
    /// Any other failure; `code` is errno, or SQLite's extended code if `operation` is a database's.
    case io(operation: String, path: String, code: Int32, detail: String)
    /// There is no store: it could not be opened at start, or is closed.
    case unavailable

    public var description: String {
        switch self {
        case .full(let operation, let path):
            "no space left to \(operation) '\(path)'; free some, or lower the limit for kept results"
        case .readOnly(let operation, let path):
            "not allowed to \(operation) '\(path)'; give the service's user the right to write there"
        case .corrupt(let path, let detail):
            "the database '\(path)' is damaged (\(detail)); a restart moves it aside and begins a new one"
        case .inUse(let path):
            "another process uses '\(path)'; stop it, or choose another folder for the jobs"
        case .missing(let path): "'\(path)' is missing"
        case .newerSchema(let path, let found, let known):
            "'\(path)' has schema \(found), but this release knows up to \(known); use the newer release"
        case .io(let operation, let path, let code, let detail):
            "cannot \(operation) '\(path)': \(detail) (\(code))"
        case .unavailable:
            "there is no store for jobs: it could not be opened (the log's first lines say why) or the server stops"
        }
    }
}
