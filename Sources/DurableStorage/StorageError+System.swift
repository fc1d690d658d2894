import CSQLite
import Glibc

extension StorageError {
    /// What an errno means.
    static func system(_ operation: String, _ path: String, code: Int32 = errno) -> StorageError {
        switch code {
        case ENOSPC, EDQUOT, EFBIG: .full(operation: operation, path: path)
        case EROFS, EACCES, EPERM: .readOnly(operation: operation, path: path)
        case ENOENT: .missing(path: path)
        default:
            .io(operation: operation, path: path, code: code, detail: unsafe String(cString: strerror(code)))
        }
    }

    /// What SQLite's last answer means. `systemCode` is the errno behind it.
    static func database(
        _ operation: String, _ path: String, code: Int32, systemCode: Int32, detail: String
    ) -> StorageError {
        let kind = code & 0xff
        // What there is no room to make cannot be opened.
        if [ENOSPC, EDQUOT, EFBIG].contains(systemCode), kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN {
            return .full(operation: operation, path: path)
        }
        return switch kind {
        case SQLITE_FULL: .full(operation: operation, path: path)
        case SQLITE_READONLY, SQLITE_PERM: .readOnly(operation: operation, path: path)
        case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt(path: path, detail: detail)
        case SQLITE_BUSY, SQLITE_LOCKED: .inUse(path: path)
        case SQLITE_CANTOPEN where [EROFS, EACCES, EPERM].contains(systemCode):
            .readOnly(operation: operation, path: path)
        default: .io(operation: operation, path: path, code: code, detail: detail)
        }
    }
}
