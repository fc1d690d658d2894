import DurableStorage

extension JobStore {
    /// What a start finds.
    struct Recovery: Sendable {
        /// Jobs that go on, in their order.
        var queued: [JobRecord] = []
        /// Those among them that were running.
        var triedAgain = 0
        /// Jobs that ended by the stop.
        var ended: [JobRecord] = []
    }

    /// Times that a job is begun at most.
    static var attemptLimit: Int { 2 }

    /// Brings the jobs of before the last stop in order: those that waited go on, one that was running is tried once
    /// more, and ends if it was tried twice or its client had taken it back. Removes files that belong to no job.
    func recover(now: JobInstant) throws(StorageError) -> Recovery {
        let names = Set(try DurableFolder.names(requestFolder))
        let recovery = try withReserve { () throws(StorageError) in try recovered(requests: names, now: now) }
        for record in recovery.ended { removeRequest(record.id) }
        let known = Set((recovery.queued + recovery.ended).map(\.id.description))
        try removeLeftovers(requests: names.subtracting(known))
        return recovery
    }

    private func recovered(requests names: Set<String>, now: JobInstant) throws(StorageError) -> Recovery {
        try database.transaction { (database) throws(StorageError) -> Recovery in
            var recovery = Recovery()
            let found = try JobRow.read(database, where: "state IN ('queued', 'running') ORDER BY sequence", [])
            for var record in found {
                if let outcome = Self.outcome(of: record, hasRequest: names.contains(record.id.description)) {
                    record.end(outcome, at: now)
                    try JobRow.end(record, database)
                    if record.endRequest == .delete {
                        try database.run("DELETE FROM jobs WHERE id = ?", [.text(record.id.description)])
                    }
                    recovery.ended.append(record)
                    continue
                }
                if record.state == .running {
                    record.apply(.requeue)
                    record.startedAt = nil
                    recovery.triedAgain += 1
                    try database.run(
                        "UPDATE jobs SET state = 'queued', started_at = NULL WHERE id = ?",
                        [.text(record.id.description)])
                }
                recovery.queued.append(record)
            }
            return recovery
        }
    }

    /// How a job ends that the stop found waiting or running; nil if it goes on.
    private static func outcome(of record: JobRecord, hasRequest: Bool) -> JobOutcome? {
        if record.endRequest != .none { return .cancelled }
        if record.state == .running, record.attempts >= attemptLimit { return .failed(.serverStoppedTwice) }
        if !hasRequest { return .failed(.storage("the stored request of this job is missing")) }
        return nil
    }

    private func removeLeftovers(requests: Set<String>) throws(StorageError) {
        let kept = try database.perform { (database) throws(StorageError) in
            Set(try database.rows("SELECT id FROM jobs WHERE state = 'succeeded'").compactMap { $0.first?.text })
        }
        let results = Set(try DurableFolder.names(resultFolder)).subtracting(kept)
        for name in requests { DurableFile.remove("\(requestFolder)/\(name)") }
        for name in results { DurableFile.remove("\(resultFolder)/\(name)") }
        let count = requests.count + results.count
        if count > 0 { tell(.leftoversRemoved(count: count)) }
    }
}
