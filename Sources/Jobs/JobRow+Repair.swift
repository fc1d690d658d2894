import DurableStorage

extension JobRow {
    /// Makes rows readable that hold what no release ever wrote, as after a lost bit or an edit by hand, so that one of
    /// them does not keep the others from being served: their jobs have failed if they had not ended, and one whose id
    /// is none goes, since nobody can ask for it. Returns how many there were.
    static func repair(_ database: DatabaseStorage, now: JobInstant) throws(StorageError) -> Int {
        try database.transaction { () throws(StorageError) in
            var count = 0
            for row in try database.rows("SELECT sequence, id, priority, end_request, attempts FROM jobs") {
                guard row[1].text.flatMap({ JobID($0) }) != nil else {
                    try database.run("DELETE FROM jobs WHERE sequence = ?", [row[0]])
                    count += 1
                    continue
                }
                guard
                    row[2].integer.flatMap({ JobPriority(rawValue: Int($0)) }) == nil
                        || row[3].integer.flatMap({ JobEndRequest(rawValue: Int($0)) }) == nil
                        || row[4].integer.map({ attemptRange.contains($0) }) != true
                else { continue }
                try fail(row[0], database, now)
                count += 1
            }
            return count
        }
    }

    /// Far more than any job is tried.
    private static let attemptRange: ClosedRange<Int64> = 0...1000

    private static func fail(
        _ sequence: DatabaseValue, _ database: DatabaseStorage, _ now: JobInstant
    ) throws(StorageError) {
        let failure = JobFailure.storage("what was stored of this job is damaged")
        try database.run(
            """
            UPDATE jobs SET state = 'failed', ended_at = ?, failure_code = ?, failure_message = ?
            WHERE sequence = ? AND state IN ('queued', 'running')
            """,
            [.integer(now.unixMilliseconds), .text(failure.code), .text(failure.description), sequence])
        try database.run(
            "UPDATE jobs SET priority = ?, end_request = ? WHERE sequence = ?",
            [
                .integer(Int64(JobPriority.normal.rawValue)), .integer(Int64(JobEndRequest.none.rawValue)), sequence,
            ])
    }
}
