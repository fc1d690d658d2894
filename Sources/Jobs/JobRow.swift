import DurableStorage

/// Rows to records and back.
enum JobRow {
    private static let columns = """
        sequence, id, client, state, priority, cost, metadata, request_bytes, idempotency_key, payload_digest,
        created_at, deadline, started_at, ended_at, attempts, end_request, failure_code, failure_message
        """

    /// The jobs that fulfil `condition`, which may go on with an order and a limit.
    static func read(
        _ database: DatabaseStorage, where condition: String, _ values: [DatabaseValue]
    ) throws(StorageError) -> [JobRecord] {
        var records: [JobRecord] = []
        for row in try database.rows("SELECT \(columns) FROM jobs WHERE \(condition)", values) {
            guard var record = record(row) else {
                throw .corrupt(path: database.path, detail: "a row of jobs holds what was never written")
            }
            if record.state == .succeeded {
                record.files = try files(database, of: record.id)
            }
            records.append(record)
        }
        return records
    }

    private static func record(_ row: [DatabaseValue]) -> JobRecord? {
        guard let sequence = row[0].integer, let id = row[1].text.flatMap({ JobID($0) }), let client = row[2].text,
            let state = row[3].text.flatMap({ JobState(rawValue: $0) }),
            let priority = row[4].integer.flatMap({ JobPriority(rawValue: Int($0)) }), let cost = row[5].real,
            let metadata = row[6].text, let requestByteCount = row[7].integer, let createdAt = row[10].integer,
            let attempts = row[14].integer,
            let endRequest = row[15].integer.flatMap({ JobEndRequest(rawValue: Int($0)) })
        else { return nil }
        var record = JobRecord(
            id: id, client: client, priority: priority, cost: cost, metadata: metadata,
            createdAt: JobInstant(unixMilliseconds: createdAt), deadline: instant(row[11]),
            idempotencyKey: row[8].text, payloadDigest: row[9].blob, requestByteCount: Int(requestByteCount))
        record.sequence = sequence
        record.restore(state: state)
        record.startedAt = instant(row[12])
        record.endedAt = instant(row[13])
        record.attempts = Int(attempts)
        record.endRequest = endRequest
        record.failure = row[16].text.map { JobFailure(code: $0, message: row[17].text ?? "") }
        return record
    }

    private static func instant(_ value: DatabaseValue) -> JobInstant? {
        value.integer.map { JobInstant(unixMilliseconds: $0) }
    }

    private static func files(
        _ database: DatabaseStorage, of id: JobID
    ) throws(StorageError) -> [JobResultFile.Description] {
        try database.rows(
            "SELECT name, media_type, byte_count FROM result_files WHERE job = ? ORDER BY position",
            [.text(id.description)]
        ).map { row in
            JobResultFile.Description(
                name: row[0].text ?? "", mediaType: row[1].text ?? "", byteCount: Int(row[2].integer ?? 0))
        }
    }

    /// Adds a job that waits; false if its idempotency key is taken.
    static func insert(_ record: JobRecord, _ database: DatabaseStorage) throws(StorageError) -> Bool {
        try database.run(
            """
            INSERT INTO jobs (
                id, client, state, priority, cost, metadata, request_bytes, idempotency_key, payload_digest,
                created_at, deadline
            ) VALUES (?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (client, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
            """,
            [
                .text(record.id.description), .text(record.client), .integer(Int64(record.priority.rawValue)),
                .real(record.cost), .text(record.metadata), .integer(Int64(record.requestByteCount)),
                .optional(record.idempotencyKey), .optional(record.payloadDigest),
                .integer(record.createdAt.unixMilliseconds), .optional(record.deadline?.unixMilliseconds),
            ]) == 1
    }

    /// Writes the end that `record` has, with the list of its files.
    static func end(_ record: JobRecord, _ database: DatabaseStorage) throws(StorageError) {
        try database.run(
            """
            UPDATE jobs SET state = ?, ended_at = ?, failure_code = ?, failure_message = ?, result_bytes = ?
            WHERE id = ?
            """,
            [
                .text(record.state.rawValue), .optional(record.endedAt?.unixMilliseconds),
                .optional(record.failure?.code), .optional(record.failure?.description),
                .integer(Int64(record.resultByteCount)), .text(record.id.description),
            ])
        for (position, file) in record.files.enumerated() {
            try database.run(
                "INSERT INTO result_files (job, position, name, media_type, byte_count) VALUES (?, ?, ?, ?, ?)",
                [
                    .text(record.id.description), .integer(Int64(position)), .text(file.name), .text(file.mediaType),
                    .integer(Int64(file.byteCount)),
                ])
        }
    }
}
