import DurableStorage

/// Jobs that survive a stop of the server: rows in an SQLite database, and beside it one file for each request and one
/// for each result.
///
/// The bytes lie in files and not in the database because they are large: they would pass through the write-ahead log
/// a second time, the database would not shrink when they go, and writing one would hold up every other call. A file
/// gets its name only when it is whole and synced, and always before the row that needs it; the row goes before the
/// file. So a kill at any point leaves at most a file without a row, which the next start removes.
///
/// Every call blocks its caller, until the store's own serial queue has done it; never call from a Swift `Task`.
/// A failing call changes nothing.
public final class JobStore: Sendable {
    let database: SerialDatabase
    let folder: String
    let requestFolder: String
    let resultFolder: String
    let retention: JobRetention
    private let notice: @Sendable (JobNotice) -> Void

    /// Opens the store in `folder`, which is made if it is not there. A damaged store is moved aside within the folder
    /// and a new one begun; `notice` tells of it. Throws `inUse` while another process has the folder, `newerSchema`,
    /// `readOnly`, `full` and `io`.
    public init(
        folder: String, retention: JobRetention = JobRetention(), notice: @escaping @Sendable (JobNotice) -> Void
    ) throws(StorageError) {
        self.folder = folder
        requestFolder = folder + "/requests"
        resultFolder = folder + "/results"
        self.retention = retention
        self.notice = notice
        try DurableFolder.create(folder)
        let path = folder + "/" + Self.databaseName
        let damagedCount: Int
        do throws(StorageError) {
            (database, damagedCount) = try Self.withReserve(of: folder) { () throws(StorageError) in
                try Self.open(path)
            }
        } catch .corrupt(let path, let detail) {
            let aside = try Self.moveAside(folder)
            (database, damagedCount) = try Self.open(path)
            notice(.corruptStoreMovedAside(folder: aside, reason: .corrupt(path: path, detail: detail)))
        }
        if damagedCount > 0 { notice(.damagedJobs(count: damagedCount)) }
        try DurableFolder.create(requestFolder)
        try DurableFolder.create(resultFolder)
        keepReserve()
    }

    private static let databaseName = "jobs.sqlite"

    /// The database, whose jobs can all be read now, and how many could not.
    private static func open(_ path: String) throws(StorageError) -> (SerialDatabase, damagedCount: Int) {
        let database = try SerialDatabase(path: path)
        let damagedCount = try database.perform { (database) throws(StorageError) in
            let report = try database.rows("PRAGMA quick_check(1)").first?.first?.text ?? "no answer"
            guard report == "ok" else { throw .corrupt(path: path, detail: report) }
            try JobSchema.migrate(database)
            return try JobRow.repair(database, now: SystemJobClock().now)
        }
        return (database, damagedCount)
    }

    /// Moves the database and the files that only it knows; returns where to.
    private static func moveAside(_ folder: String) throws(StorageError) -> String {
        let time = SystemJobClock().now.unixMilliseconds
        let aside = "\(folder)/corrupt-\(time)"
        try DurableFolder.create(aside)
        for name in [databaseName, databaseName + "-wal", databaseName + "-shm", "requests", "results"] {
            try DurableFolder.move("\(folder)/\(name)", to: "\(aside)/\(name)")
        }
        // Where they are before where they are no more.
        try DurableFolder.sync(aside)
        try DurableFolder.sync(folder)
        return aside
    }

    /// Closes the database, so that another server can have the folder; later calls throw `unavailable`. For after the
    /// jobs were drained.
    public func close() { database.close() }

    func tell(_ notice: JobNotice) { self.notice(notice) }

    // MARK: Accepting

    /// The job that `client` sent with this key before; nil if there is none.
    func job(client: String, idempotencyKey: String) throws(StorageError) -> JobRecord? {
        try database.perform { (database) throws(StorageError) in
            try JobRow.read(
                database, where: "client = ? AND idempotency_key = ?", [.text(client), .text(idempotencyKey)]
            ).first
        }
    }

    /// Keeps a new job; once this returns it survives. Returns the job with its sequence, or the one that took the
    /// same idempotency key a moment before.
    func accept(_ record: JobRecord, body: [UInt8]) throws(StorageError) -> JobRecord {
        try DurableFile.write([body], name: record.id.description, folder: requestFolder)
        do throws(StorageError) {
            let accepted = try database.transaction { (database) throws(StorageError) -> JobRecord in
                var record = record
                guard try JobRow.insert(record, database) else {
                    let other = try JobRow.read(
                        database, where: "client = ? AND idempotency_key = ?",
                        [.text(record.client), .optional(record.idempotencyKey)])
                    guard let other = other.first else { throw .unavailable }
                    return other
                }
                record.sequence = database.lastInsertedRow
                return record
            }
            if accepted.id != record.id { removeRequest(record.id) }
            return accepted
        } catch {
            removeRequest(record.id)
            throw error
        }
    }

    /// The bytes of a job's request.
    func requestBody(_ id: JobID) throws(StorageError) -> [UInt8] {
        try StoredFile(path: "\(requestFolder)/\(id)").bytes()
    }

    // MARK: Life

    /// Keeps that a worker begins the job.
    func started(_ record: JobRecord) throws(StorageError) {
        try update(
            record.id, "state = 'running', started_at = ?, attempts = ?",
            [.optional(record.startedAt?.unixMilliseconds), .integer(Int64(record.attempts))])
    }

    /// Keeps that the job goes back to the queue, as if this attempt had not been.
    func requeued(_ record: JobRecord) throws(StorageError) {
        try update(
            record.id, "state = 'queued', started_at = NULL, attempts = ?", [.integer(Int64(record.attempts))])
    }

    /// Keeps what the client wants of a job that has not ended.
    func request(_ request: JobEndRequest, of id: JobID) throws(StorageError) {
        try update(id, "end_request = max(end_request, ?)", [.integer(Int64(request.rawValue))])
    }

    /// Keeps the end of a job, `record` being as it is after it, and lets go of its request. Nothing is kept if this
    /// throws.
    func ended(_ record: JobRecord, files: [JobResultFile]) throws(StorageError) {
        let name = record.id.description
        if record.state == .succeeded {
            try DurableFile.write(files.map(\.bytes), name: name, folder: resultFolder)
        }
        do throws(StorageError) {
            try database.transaction { (database) throws(StorageError) in try JobRow.end(record, database) }
        } catch {
            if record.state == .succeeded { DurableFile.remove("\(resultFolder)/\(name)") }
            throw error
        }
        removeRequest(record.id)
    }

    private func update(_ id: JobID, _ columns: String, _ values: [DatabaseValue]) throws(StorageError) {
        _ = try database.perform { (database) throws(StorageError) in
            try database.run("UPDATE jobs SET \(columns) WHERE id = ?", values + [.text(id.description)])
        }
    }

    func removeRequest(_ id: JobID) { DurableFile.remove("\(requestFolder)/\(id)") }

    // MARK: Looking

    /// The job; nil if there is none.
    func job(_ id: JobID) throws(StorageError) -> JobRecord? {
        try database.perform { (database) throws(StorageError) in
            try JobRow.read(database, where: "id = ?", [.text(id.description)]).first
        }
    }

    /// Jobs with a sequence below `before`, newest first.
    func jobs(client: String?, state: JobState?, before: Int64, limit: Int) throws(StorageError) -> [JobRecord] {
        var condition = "sequence < ?"
        var values: [DatabaseValue] = [.integer(before)]
        if let client {
            condition += " AND client = ?"
            values.append(.text(client))
        }
        if let state {
            condition += " AND state = ?"
            values.append(.text(state.rawValue))
        }
        return try database.perform { (database) throws(StorageError) in
            try JobRow.read(
                database, where: condition + " ORDER BY sequence DESC LIMIT ?", values + [.integer(Int64(limit))])
        }
    }

    /// The result of a job that succeeded.
    func result(_ record: JobRecord) throws(StorageError) -> JobResult {
        let file = try StoredFile(path: "\(resultFolder)/\(record.id)")
        var offsets: [Int] = []
        var offset = 0
        for description in record.files {
            offsets.append(offset)
            // Checked, since a damaged database may hold any number.
            let (end, isTooMuch) = offset.addingReportingOverflow(description.byteCount)
            guard description.byteCount >= 0, !isTooMuch, end <= file.byteCount else {
                throw .corrupt(path: "\(resultFolder)/\(record.id)", detail: "it is shorter than its files")
            }
            offset = end
        }
        return JobResult(files: record.files, endedAt: record.endedAt, content: .stored(file, offsets: offsets))
    }

    /// Forgets a job with all that belongs to it. On a full disk this frees space, and needs some of that for itself.
    func delete(_ id: JobID) throws(StorageError) {
        do throws(StorageError) {
            try deleteRow(id)
        } catch .full {
            // The row's end needs space as well: this once the files go first. A kill between leaves a job whose result
            // has expired, or whose request is missing.
            removeFiles(id)
            do throws(StorageError) {
                try withReserve { () throws(StorageError) in try deleteRow(id) }
            } catch .full {
                try reuseLog()
                try deleteRow(id)
            }
            keepReserve()
        }
        removeFiles(id)
    }

    private func deleteRow(_ id: JobID) throws(StorageError) {
        try database.perform { (database) throws(StorageError) in
            _ = try database.run("DELETE FROM jobs WHERE id = ?", [.text(id.description)])
        }
    }

    private func removeFiles(_ id: JobID) {
        removeRequest(id)
        DurableFile.remove("\(resultFolder)/\(id)")
    }

    /// Has the next transaction written over the database's log instead of behind it, which takes no more space than
    /// the log has.
    private func reuseLog() throws(StorageError) {
        try database.perform { (database) throws(StorageError) in
            _ = try? database.rows("PRAGMA wal_checkpoint(RESTART)")
        }
    }
}
