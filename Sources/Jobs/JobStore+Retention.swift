import DurableStorage

extension JobStore {
    /// Jobs that one sweep touches at most, so that it never holds the store for long.
    private static var sweepLimit: Int64 { 500 }
    /// The same on a full disk, where the log may take no more than the reserve.
    private static var fullDiskSweepLimit: Int64 { 16 }

    /// Expires what is too old or too much, and forgets what expired long ago. Results go only after their rows say so.
    func sweep(now: JobInstant) throws(StorageError) {
        var limit = Self.sweepLimit
        try withReserve { () throws(StorageError) in
            defer { limit = Self.fullDiskSweepLimit }
            try sweep(now, limit)
        }
        keepReserve()
    }

    private func sweep(_ now: JobInstant, _ limit: Int64) throws(StorageError) {
        let (expired, bytes) = try database.transaction { (database) throws(StorageError) -> ([String], Int64) in
            var ids: [String] = []
            var bytes: Int64 = 0
            for (id, byteCount) in try tooOld(database, now, limit) + tooMuch(database, now, limit)
            where !ids.contains(id) {
                ids.append(id)
                bytes += byteCount
                try database.run(
                    "UPDATE jobs SET state = 'expired', expired_at = ?, result_bytes = 0 WHERE id = ?",
                    [.integer(now.unixMilliseconds), .text(id)])
                try database.run("DELETE FROM result_files WHERE job = ?", [.text(id)])
            }
            let forgotten = now.advanced(bySeconds: -retention.recordSeconds)
            try database.run(
                """
                DELETE FROM jobs WHERE sequence IN (
                    SELECT sequence FROM jobs WHERE state = 'expired' AND expired_at <= ? LIMIT ?)
                """,
                [.integer(forgotten.unixMilliseconds), .integer(limit)])
            return (ids, bytes)
        }
        for id in expired { DurableFile.remove("\(resultFolder)/\(id)") }
        if bytes > 0 { tell(.expired(jobs: expired.count, bytes: Int(bytes))) }
    }

    /// Jobs that ended so long ago that they are kept no longer.
    private func tooOld(
        _ database: DatabaseStorage, _ now: JobInstant, _ limit: Int64
    ) throws(StorageError) -> [(String, Int64)] {
        let oldest = now.advanced(bySeconds: -retention.resultSeconds)
        return try database.rows(
            """
            SELECT id, result_bytes FROM jobs
            WHERE state IN ('succeeded', 'failed', 'cancelled') AND ended_at <= ? LIMIT ?
            """,
            [.integer(oldest.unixMilliseconds), .integer(limit)]
        ).map { ($0[0].text ?? "", $0[1].integer ?? 0) }
    }

    /// The oldest results beyond the size that may be kept; never the newest one.
    private func tooMuch(
        _ database: DatabaseStorage, _ now: JobInstant, _ limit: Int64
    ) throws(StorageError) -> [(String, Int64)] {
        var surplus = try resultByteCount(database) - Int64(retention.resultBytes)
        guard surplus > 0 else { return [] }
        let oldest = try database.rows(
            "SELECT id, result_bytes FROM jobs WHERE state = 'succeeded' ORDER BY ended_at, sequence LIMIT ?",
            [.integer(limit)]
        ).map { ($0[0].text ?? "", $0[1].integer ?? 0) }
        let newest = try database.rows(
            "SELECT id FROM jobs WHERE state = 'succeeded' ORDER BY ended_at DESC, sequence DESC LIMIT 1"
        ).first?.first?.text
        return oldest.prefix { id, byteCount in
            guard surplus > 0, id != newest else { return false }
            surplus -= byteCount
            return true
        }
    }

    /// Bytes of all results that are kept.
    func resultByteCount() throws(StorageError) -> Int64 {
        try database.perform { (database) throws(StorageError) in try resultByteCount(database) }
    }

    private func resultByteCount(_ database: DatabaseStorage) throws(StorageError) -> Int64 {
        try database.rows("SELECT coalesce(sum(result_bytes), 0) FROM jobs WHERE state = 'succeeded'")
            .first?.first?.integer ?? 0
    }
}
