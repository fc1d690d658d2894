import CSQLite
import Glibc

/// One connection to an SQLite database: WAL, so that a commit is one append and one sync; synchronous FULL, so that
/// what was committed survives a kill and a power cut; locked for this process alone, since two servers on one folder
/// would run each job twice.
///
/// Not thread-safe: belongs to a `SerialDatabase`. Statements are prepared once and kept.
@safe public final class DatabaseStorage {
    /// Where the database is.
    public let path: String
    private let connection: OpaquePointer
    private var statements: [String: OpaquePointer] = unsafe [:]

    /// Opens or creates the database. Throws `corrupt` for a damaged one, `inUse` while another process holds it,
    /// `readOnly`, `full` and `io`.
    public init(path: String) throws(StorageError) {
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let code = unsafe sqlite3_open_v2(path, &opened, flags, nil)
        guard code == SQLITE_OK, let connection = unsafe opened else {
            let systemCode = unsafe sqlite3_system_errno(opened)
            let detail = unsafe String(cString: sqlite3_errstr(code))
            unsafe sqlite3_close_v2(opened)
            throw .database("open", path, code: code, systemCode: systemCode, detail: detail)
        }
        self.path = path
        unsafe self.connection = unsafe connection
        for setting in [
            "locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF",
            "wal_autocheckpoint=1000", "journal_size_limit=16777216",
        ] {
            _ = try rows("PRAGMA \(setting)")
        }
        // The lock is taken by the first transaction, so that a second process hears of it now and not later.
        try transaction { () throws(StorageError) in }
    }

    deinit {
        for unsafe statement in unsafe statements.values { unsafe sqlite3_finalize(statement) }
        unsafe sqlite3_close_v2(connection)
    }

    /// Runs one statement and returns how many rows it changed.
    @discardableResult
    public func run(_ sql: String, _ values: [DatabaseValue] = []) throws(StorageError) -> Int {
        _ = try rows(sql, values)
        return unsafe Int(sqlite3_changes(connection))
    }

    /// Runs one statement and returns its rows.
    public func rows(_ sql: String, _ values: [DatabaseValue] = []) throws(StorageError) -> [[DatabaseValue]] {
        let statement = try unsafe prepared(sql)
        defer {
            unsafe sqlite3_reset(statement)
            unsafe sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() {
            try check(unsafe bind(value, Int32(index + 1), statement))
        }
        var rows: [[DatabaseValue]] = []
        while true {
            let code = unsafe sqlite3_step(statement)
            if code == SQLITE_DONE { return rows }
            guard code == SQLITE_ROW else { throw failure(code) }
            rows.append((unsafe 0..<sqlite3_column_count(statement)).map { unsafe column($0, statement) })
        }
    }

    /// The row id that the last insertion got.
    public var lastInsertedRow: Int64 { unsafe sqlite3_last_insert_rowid(connection) }

    /// Runs `body` within a transaction that takes the right to write at once; rolls back when it throws.
    public func transaction<T>(_ body: () throws(StorageError) -> T) throws(StorageError) -> T {
        try run("BEGIN IMMEDIATE")
        do throws(StorageError) {
            let value = try body()
            try run("COMMIT")
            return value
        } catch {
            // SQLite may have rolled back already, for instance when the disk is full.
            if unsafe sqlite3_get_autocommit(connection) == 0 { _ = try? run("ROLLBACK") }
            throw error
        }
    }

    // MARK: Statements

    private func prepared(_ sql: String) throws(StorageError) -> OpaquePointer {
        if let known = unsafe statements[sql] { return unsafe known }
        var made: OpaquePointer?
        let code = unsafe sqlite3_prepare_v3(connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &made, nil)
        guard code == SQLITE_OK, let statement = unsafe made else { throw failure(code) }
        unsafe statements[sql] = unsafe statement
        return unsafe statement
    }

    private func bind(_ value: DatabaseValue, _ index: Int32, _ statement: OpaquePointer) -> Int32 {
        switch value {
        case .null: return unsafe sqlite3_bind_null(statement, index)
        case .integer(let integer): return unsafe sqlite3_bind_int64(statement, index, integer)
        case .real(let real): return unsafe sqlite3_bind_double(statement, index, real)
        case .text(var text):
            return text.withUTF8 { utf8 in
                guard let count = Int32(exactly: utf8.count) else { return SQLITE_TOOBIG }
                // An empty text's address is nil, which SQLite would take for NULL.
                guard count > 0 else { return unsafe mica_sqlite_bind_text(statement, index, "", 0) }
                return unsafe utf8.withMemoryRebound(to: CChar.self) { characters in
                    unsafe mica_sqlite_bind_text(statement, index, characters.baseAddress, count)
                }
            }
        case .blob(let bytes):
            guard let count = Int32(exactly: bytes.count) else { return SQLITE_TOOBIG }
            guard count > 0 else { return unsafe sqlite3_bind_zeroblob(statement, index, 0) }
            return unsafe bytes.withUnsafeBytes { raw in
                unsafe mica_sqlite_bind_blob(statement, index, raw.baseAddress, count)
            }
        }
    }

    private func column(_ index: Int32, _ statement: OpaquePointer) -> DatabaseValue {
        switch unsafe sqlite3_column_type(statement, index) {
        case SQLITE_INTEGER: return .integer(unsafe sqlite3_column_int64(statement, index))
        case SQLITE_FLOAT: return .real(unsafe sqlite3_column_double(statement, index))
        case SQLITE_TEXT:
            let start = unsafe sqlite3_column_text(statement, index)
            let count = unsafe Int(sqlite3_column_bytes(statement, index))
            return .text(unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self))
        case SQLITE_BLOB:
            let start = unsafe sqlite3_column_blob(statement, index)
            let count = unsafe Int(sqlite3_column_bytes(statement, index))
            return .blob(unsafe Array(UnsafeRawBufferPointer(start: start, count: count)))
        default: return .null
        }
    }

    // MARK: Failures

    private func check(_ code: Int32) throws(StorageError) {
        guard code == SQLITE_OK else { throw failure(code) }
    }

    private func failure(_ code: Int32) -> StorageError {
        let systemCode = unsafe sqlite3_system_errno(connection)
        let detail = unsafe String(cString: sqlite3_errmsg(connection))
        return .database("write the database", path, code: code, systemCode: systemCode, detail: detail)
    }
}
