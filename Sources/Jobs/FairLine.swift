/// The waiting jobs of one priority, shared out between clients by start-time fair queueing: each client has a virtual
/// time that a started job moves on by its cost, and the client furthest behind is next. With equal costs that is round
/// robin. A client that comes back begins where the line is now, so that a pause earns nothing.
///
/// Source: Goyal, Vin, Cheng, "Start-time Fair Queueing" (SIGCOMM 1996), section 2.
struct FairLine: Sendable {
    private struct ClientLine: Sendable {
        /// By sequence.
        var entries: [JobQueueEntry] = []
        var virtualTime: Double
    }

    private var clients: [String: ClientLine] = [:]
    private var virtualTime = 0.0
    private(set) var count = 0

    mutating func enter(_ entry: JobQueueEntry) {
        // A job that was started and comes back goes before the client's later ones.
        let before = clients[entry.client]?.entries.lastIndex { $0.sequence < entry.sequence }
        // In place: a copy of the line for each job would make a full one slow to enter.
        clients[entry.client, default: ClientLine(virtualTime: virtualTime)].entries
            .insert(entry, at: before.map { $0 + 1 } ?? 0)
        count += 1
    }

    /// All jobs as `take` would give them with every client eligible and no job added.
    ///
    /// A client's virtual time at each of its jobs is known beforehand, and the least one is always next: so the order
    /// is that of these times, which costs a sort and not a search for each job.
    func order() -> [JobQueueEntry] {
        var timed: [(start: Double, entry: JobQueueEntry)] = []
        timed.reserveCapacity(count)
        for line in clients.values {
            var start = line.virtualTime
            for entry in line.entries {
                timed.append((start, entry))
                start += entry.cost
            }
        }
        timed.sort { ($0.start, $0.entry.sequence) < ($1.start, $1.entry.sequence) }
        return timed.map(\.entry)
    }

    /// Takes the next job among clients that `isEligible`; nil if there is none.
    mutating func take(where isEligible: (String) -> Bool) -> JobQueueEntry? {
        let next = clients.filter { !$0.value.entries.isEmpty && isEligible($0.key) }.min { left, right in
            let (first, second) = (left.value, right.value)
            // Names decide nothing: of two that are equally far the one who came first is next.
            return (first.virtualTime, first.entries[0].sequence) < (second.virtualTime, second.entries[0].sequence)
        }
        guard let client = next?.key, var line = next?.value else { return nil }
        let entry = line.entries.removeFirst()
        // One that its limit of running jobs held back is behind: who comes now does not begin there.
        virtualTime = max(virtualTime, line.virtualTime)
        line.virtualTime += entry.cost
        clients[client] = line
        count -= 1
        forgetIdleClients()
        return entry
    }

    /// True if a job waits of a client that `isEligible`.
    func hasJob(where isEligible: (String) -> Bool) -> Bool {
        clients.contains { !$0.value.entries.isEmpty && isEligible($0.key) }
    }

    /// Takes out every job that fits; returns them by sequence.
    mutating func remove(where isWanted: (JobQueueEntry) -> Bool) -> [JobQueueEntry] {
        var removed: [JobQueueEntry] = []
        for client in Array(clients.keys) {
            clients[client]?.entries.removeAll { entry in
                guard isWanted(entry) else { return false }
                removed.append(entry)
                return true
            }
        }
        count -= removed.count
        forgetIdleClients()
        return removed.sorted { $0.sequence < $1.sequence }
    }

    /// A client without jobs is remembered only while it has had more than others: so one that comes back never begins
    /// behind the line, and memory follows the jobs and not the number of clients ever seen.
    private mutating func forgetIdleClients() {
        if count == 0 {
            clients = [:]
            virtualTime = 0
        } else {
            clients = clients.filter { !$0.value.entries.isEmpty || $0.value.virtualTime > virtualTime }
        }
    }
}
