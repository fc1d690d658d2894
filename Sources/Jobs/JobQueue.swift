/// Which job is next. Bounded, fair between clients within a priority. Holds no clock, no lock and no payload.
struct JobQueue: Sendable {
    /// How many jobs may wait.
    struct Limits: Sendable {
        /// Of all clients together.
        var waiting: Int
        /// Of a client that brings no limits of its own.
        var client: JobClientLimits
    }

    /// Starts of a higher priority that a waiting job of a lower one puts up with.
    static let passedOverLimit = 8

    private struct ClientCounts: Sendable {
        var waiting = 0
        var running = 0
        var limits: JobClientLimits
    }

    private let limits: Limits
    private var lines = [FairLine](repeating: FairLine(), count: JobPriority.allCases.count)
    private var passedOver = [Int](repeating: 0, count: JobPriority.allCases.count)
    private var clients: [String: ClientCounts] = [:]
    private var reserved = 0
    private(set) var runningCount = 0

    init(limits: Limits) {
        self.limits = limits
    }

    /// Jobs that wait.
    var waitingCount: Int { lines.reduce(0) { $0 + $1.count } }

    /// Jobs that wait at this priority.
    func waitingCount(_ priority: JobPriority) -> Int { lines[priority.rawValue].count }

    // MARK: Entering

    /// Sets a place aside for a job of `client`, so that it may be stored before it enters; throws what is full.
    mutating func reserve(client: String, limits ownLimits: JobClientLimits?) throws(JobQueueRefusal) {
        guard waitingCount + reserved < limits.waiting else { throw .queueFull(limit: limits.waiting) }
        var counts = clients[client] ?? ClientCounts(limits: limits.client)
        counts.limits = ownLimits ?? limits.client
        guard counts.waiting < counts.limits.waiting else {
            throw .tooManyJobsOfClient(limit: counts.limits.waiting)
        }
        counts.waiting += 1
        clients[client] = counts
        reserved += 1
    }

    /// Gives a reserved place back.
    mutating func giveBack(client: String) {
        reserved -= 1
        count(client) { $0.waiting -= 1 }
    }

    /// Puts a job in the place that was reserved for it.
    mutating func enterReserved(_ entry: JobQueueEntry) {
        reserved -= 1
        lines[entry.priority.rawValue].enter(entry)
    }

    /// Puts a job in without a reservation: one that was accepted before this start of the server. `ownLimits` are its
    /// client's, if they are not known from others of its jobs.
    mutating func restore(_ entry: JobQueueEntry, limits ownLimits: JobClientLimits? = nil) {
        count(entry.client) {
            $0.limits = ownLimits ?? $0.limits
            $0.waiting += 1
        }
        lines[entry.priority.rawValue].enter(entry)
    }

    // MARK: Leaving

    /// Takes the next job that may run; `finish` must be told when it has ended.
    mutating func take() -> JobQueueEntry? {
        let isEligible: (String) -> Bool = { [clients] client in
            clients[client].map { $0.running < $0.limits.running } ?? true
        }
        let ready = JobPriority.allCases.filter { lines[$0.rawValue].hasJob(where: isEligible) }
        guard let level = Self.nextLevel(of: ready, &passedOver),
            let entry = lines[level.rawValue].take(where: isEligible)
        else { return nil }
        count(entry.client) {
            $0.waiting -= 1
            $0.running += 1
        }
        runningCount += 1
        return entry
    }

    /// The priority whose turn it is among those that have a job; counts that turn.
    private static func nextLevel(of ready: [JobPriority], _ passedOver: inout [Int]) -> JobPriority? {
        guard let highest = ready.first else { return nil }
        let level = ready.last { passedOver[$0.rawValue] >= passedOverLimit } ?? highest
        passedOver[level.rawValue] = 0
        for other in ready where other > level { passedOver[other.rawValue] += 1 }
        return level
    }

    /// Says that a job which `take` gave runs no more.
    mutating func finish(_ entry: JobQueueEntry) {
        runningCount -= 1
        count(entry.client) { $0.running -= 1 }
    }

    /// Takes out every waiting job that fits, by sequence.
    mutating func remove(where isWanted: (JobQueueEntry) -> Bool) -> [JobQueueEntry] {
        var removed: [JobQueueEntry] = []
        for level in lines.indices where lines[level].count > 0 {
            removed += lines[level].remove(where: isWanted)
        }
        for entry in removed { count(entry.client) { $0.waiting -= 1 } }
        return removed
    }

    // MARK: Looking

    /// The waiting jobs in the order in which they would start if none came, left, or was held back by its client's
    /// limit of running jobs.
    func order() -> [JobQueueEntry] {
        let orders = lines.map { $0.order() }
        var taken = [Int](repeating: 0, count: orders.count)
        var passedOver = passedOver
        var order: [JobQueueEntry] = []
        order.reserveCapacity(waitingCount)
        while let level = Self.nextLevel(
            of: JobPriority.allCases.filter { taken[$0.rawValue] < orders[$0.rawValue].count }, &passedOver)
        {
            order.append(orders[level.rawValue][taken[level.rawValue]])
            taken[level.rawValue] += 1
        }
        return order
    }

    /// Clients with jobs; for tests that nothing is left behind.
    var clientCount: Int { clients.count }

    private mutating func count(_ client: String, _ change: (inout ClientCounts) -> Void) {
        var counts = clients[client] ?? ClientCounts(limits: limits.client)
        change(&counts)
        clients[client] = counts.waiting == 0 && counts.running == 0 ? nil : counts
    }
}
