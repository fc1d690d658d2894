import Testing

@testable import Jobs

struct JobQueueTests {
    private static func queue(
        waiting: Int = 1000, _ client: JobClientLimits = JobClientLimits(waiting: 1000)
    ) -> JobQueue {
        JobQueue(limits: JobQueue.Limits(waiting: waiting, client: client))
    }

    private static func entry(
        _ client: String, _ sequence: Int64, _ priority: JobPriority = .normal, cost: Double = 1,
        deadline: Int64? = nil
    ) -> JobQueueEntry {
        JobQueueEntry(
            id: JobID(), client: client, priority: priority, cost: cost,
            deadline: deadline.map { JobInstant(unixMilliseconds: $0) }, sequence: sequence)
    }

    /// Everything that is in the queue, as it would start.
    private static func drain(_ queue: inout JobQueue) -> [JobQueueEntry] {
        var taken: [JobQueueEntry] = []
        while let entry = queue.take() {
            taken.append(entry)
            queue.finish(entry)
        }
        return taken
    }

    @Test func aGreedyClientWaitsForTheOthers() {
        var queue = Self.queue()
        for number in 0..<50 { queue.restore(Self.entry("greedy", Int64(number))) }
        queue.restore(Self.entry("ann", 100))
        queue.restore(Self.entry("bob", 101))
        queue.restore(Self.entry("ann", 102))
        let order = Self.drain(&queue).map(\.client)
        #expect(order.prefix(5) == ["greedy", "ann", "bob", "greedy", "ann"])
        #expect(order.count == 53)
        #expect(queue.clientCount == 0)
    }

    @Test func costsAreSharedOutAndNotJobs() {
        var queue = Self.queue()
        for number in 0..<40 {
            queue.restore(Self.entry("heavy", Int64(2 * number), cost: 4))
            queue.restore(Self.entry("light", Int64(2 * number + 1), cost: 1))
        }
        let first = Self.drain(&queue).prefix(40)
        let heavy = first.count { $0.client == "heavy" }
        // Four to one in cost is one to four in jobs.
        #expect(heavy == 8)
    }

    @Test func aPauseEarnsNothing() {
        var queue = Self.queue()
        for number in 0..<20 { queue.restore(Self.entry("steady", Int64(number))) }
        for _ in 0..<10 { queue.take().map { queue.finish($0) } }
        for number in 20..<30 { queue.restore(Self.entry("late", Int64(number))) }
        let order = Self.drain(&queue).map(\.client)
        // They alternate from here on; the one who was away does not catch up ten jobs.
        #expect(order.prefix(10).count { $0 == "late" } == 5)
    }

    /// A client that its limit of running jobs held back is far behind; one that comes now begins with the others.
    @Test func aClientHeldBackDoesNotTakeTheLineBack() throws {
        var queue = Self.queue()
        for number in 0..<2 {
            queue.restore(Self.entry("held", Int64(number)), limits: JobClientLimits(waiting: 1000, running: 1))
        }
        for number in 2..<52 { queue.restore(Self.entry("steady", Int64(number))) }
        let taken = queue.take()
        let held = try #require(taken)
        for _ in 0..<40 { queue.take().map { queue.finish($0) } }
        queue.finish(held)
        let again = queue.take()
        #expect(held.client == "held" && again?.client == "held")
        for number in 52..<92 { queue.restore(Self.entry("late", Int64(number))) }
        let order = Self.drain(&queue).map(\.client)
        #expect(order.prefix(10).count { $0 == "late" } == 5)
    }

    @Test func priorityGoesFirstButStarvesNobody() {
        var queue = Self.queue()
        queue.restore(Self.entry("low", 0, .low))
        queue.restore(Self.entry("normal", 1, .normal))
        for number in 2..<40 { queue.restore(Self.entry("high", Int64(number), .high)) }
        let order = Self.drain(&queue).map(\.priority)
        #expect(order.first == .high)
        #expect(order.firstIndex(of: .low) == JobQueue.passedOverLimit)
        #expect(order.firstIndex(of: .normal) == JobQueue.passedOverLimit + 1)
    }

    /// The announced order is the one in which jobs are taken, whatever they cost and whoever was served before.
    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64]) func theOrderIsThatOfTheStarts(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var queue = Self.queue()
        for number in 0..<300 {
            let client = "client-\(Int.random(in: 0..<7, using: &generator))"
            let priority = JobPriority.allCases.randomElement(using: &generator)!
            let cost = Double(Int.random(in: 1...5, using: &generator)) / 4
            queue.restore(Self.entry(client, Int64(number), priority, cost: cost))
            if number.isMultiple(of: 3) { queue.take().map { queue.finish($0) } }
        }
        let announced = queue.order()
        #expect(announced.count == 200)
        #expect(announced == Self.drain(&queue))
    }

    /// With a search for each place this took minutes, and every job that comes asks for its place.
    @Test(.timeLimit(.minutes(1)), arguments: [1, 20_000]) func theOrderOfManyIsFound(clients: Int) {
        var queue = Self.queue(waiting: 20_000)
        for number in 0..<20_000 { queue.restore(Self.entry("client-\(number % clients)", Int64(number))) }
        #expect(queue.order().map(\.sequence) == (0..<20_000).map { Int64($0) })
    }

    @Test func limits() throws {
        var queue = Self.queue(waiting: 3, JobClientLimits(waiting: 2))
        try queue.reserve(client: "ann", limits: nil)
        try queue.reserve(client: "ann", limits: nil)
        #expect(refusal(&queue, "ann") == .tooManyJobsOfClient(limit: 2))
        try queue.reserve(client: "ann", limits: JobClientLimits(waiting: 3))
        #expect(refusal(&queue, "bob") == .queueFull(limit: 3))
        queue.giveBack(client: "ann")
        try queue.reserve(client: "bob", limits: nil)
        for _ in 0..<2 { queue.giveBack(client: "ann") }
        queue.giveBack(client: "bob")
        #expect(queue.clientCount == 0)
    }

    private func refusal(_ queue: inout JobQueue, _ client: String) -> JobQueueRefusal? {
        do throws(JobQueueRefusal) {
            try queue.reserve(client: client, limits: nil)
            return nil
        } catch {
            return error
        }
    }

    @Test func aClientAtItsRunningLimitLetsOthersPass() throws {
        var queue = Self.queue(waiting: 10, JobClientLimits(waiting: 10, running: 1))
        for (number, client) in ["ann", "ann", "bob"].enumerated() { queue.restore(Self.entry(client, Int64(number))) }
        let started = [queue.take(), queue.take(), queue.take()]
        #expect(started.map { $0?.client } == ["ann", "bob", nil])
        queue.finish(try #require(started[0]))
        let next = queue.take()
        #expect(next?.client == "ann")
    }

    @Test func deadlinesAndRemoval() {
        var queue = Self.queue()
        let entries = [
            Self.entry("ann", 0, deadline: 10), Self.entry("bob", 1, .high, deadline: 20), Self.entry("ann", 2),
        ]
        for entry in entries { queue.restore(entry) }
        let overdue = [9, 10].map { now in
            queue.remove { $0.deadline.map { $0 <= JobInstant(unixMilliseconds: now) } ?? false }
        }
        #expect(overdue == [[], [entries[0]]])
        let removed = (0..<2).map { _ in queue.remove { $0.id == entries[2].id } }
        #expect(removed == [[entries[2]], []])
        let rest = Self.drain(&queue)
        #expect(rest == [entries[1]])
        #expect(queue.clientCount == 0)
    }

    @Test func aJobThatComesBackGoesBeforeTheClientsLaterOnes() throws {
        var queue = Self.queue()
        for number in 0..<3 { queue.restore(Self.entry("ann", Int64(number))) }
        let taken = queue.take()
        let first = try #require(taken)
        queue.finish(first)
        queue.restore(first)
        let again = queue.take()
        #expect(again == first)
    }

    /// Against a seeded crowd: nobody is lost, own jobs keep their order, the announced order is the real one, and two
    /// clients that wait at the same priority for a while get the same starts in it, give or take the theory's two,
    /// whether or not another one may run a single job at a time (which the announced order does not know).
    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64], [false, true])
    func simulation(_ seed: UInt64, isOneHeldBack: Bool) throws {
        let limited = isOneHeldBack ? "client-0" : nil
        var running: JobQueueEntry?
        var generator = SeededGenerator(seed: seed)
        var queue = Self.queue(waiting: 60, JobClientLimits(waiting: 25))
        var entered: [JobQueueEntry] = []
        var taken: [JobQueueEntry] = []
        var rivalries = Rivalries()
        for number in 0..<1500 {
            if Int.random(in: 0..<10, using: &generator) < 6 {
                let client = "client-\(min(Int.random(in: 0..<9, using: &generator), 4))"
                let limits = client == limited ? JobClientLimits(waiting: 25, running: 1) : nil
                guard (try? queue.reserve(client: client, limits: limits)) != nil else { continue }
                let entry = Self.entry(client, Int64(number), JobPriority.allCases.randomElement(using: &generator)!)
                queue.enterReserved(entry)
                entered.append(entry)
            } else {
                if let entry = running, Int.random(in: 0..<40, using: &generator) == 0 {
                    queue.finish(entry)
                    running = nil
                }
                let announced = queue.order()
                guard let entry = queue.take() else { continue }
                taken.append(entry)
                guard entry.client != limited else {
                    running = entry
                    continue
                }
                queue.finish(entry)
                #expect(isOneHeldBack || entry.id == announced.first?.id)
                rivalries.take(entry, of: announced.filter { $0.client != limited })
            }
        }
        #expect(rivalries.widest == 2)
        if let running { queue.finish(running) }
        taken += Self.drain(&queue)
        #expect(Set(taken.map(\.id)) == Set(entered.map(\.id)))
        #expect(taken.count == entered.count)
        for client in Set(entered.map(\.client)) {
            for priority in JobPriority.allCases {
                let own = taken.filter { $0.client == client && $0.priority == priority }.map(\.sequence)
                #expect(own == own.sorted())
            }
        }
        #expect(queue.clientCount == 0)
    }

    /// How far the starts of each two clients that wait at the same priority drift apart.
    private struct Rivalries {
        private struct Pair: Hashable {
            let priority: JobPriority
            let first: String
            let second: String
        }

        private var leads: [Pair: (now: Int, least: Int, most: Int)] = [:]
        /// The widest span of any lead.
        private(set) var widest = 0

        mutating func take(_ entry: JobQueueEntry, of waiting: [JobQueueEntry]) {
            let own = waiting.filter { $0.priority == entry.priority }
            let clients = Set(own.map(\.client))
            leads = leads.filter { pair, _ in
                pair.priority != entry.priority || (clients.contains(pair.first) && clients.contains(pair.second))
            }
            for first in clients {
                for second in clients where first < second {
                    let pair = Pair(priority: entry.priority, first: first, second: second)
                    var lead = leads[pair] ?? (0, 0, 0)
                    lead.now += entry.client == first ? 1 : entry.client == second ? -1 : 0
                    lead = (lead.now, min(lead.least, lead.now), max(lead.most, lead.now))
                    leads[pair] = lead
                    widest = max(widest, lead.most - lead.least)
                }
            }
            // Its last job: the rivalry is over, even if another one comes before the next look.
            guard own.count(where: { $0.client == entry.client }) == 1 else { return }
            leads = leads.filter { pair, _ in
                pair.priority != entry.priority || (pair.first != entry.client && pair.second != entry.client)
            }
        }
    }

    @Test func estimates() {
        var estimate = RunTimeEstimate()
        #expect(estimate.secondsUntilStart(costAhead: 0, running: [], workers: 1) == nil)
        estimate.add(seconds: 20, cost: 2)
        #expect(estimate.secondsUntilStart(costAhead: 0, running: [], workers: 1) == 0)
        #expect(estimate.secondsUntilStart(costAhead: 3, running: [(cost: 1, seconds: 4)], workers: 1) == 36)
        #expect(estimate.secondsUntilStart(costAhead: 0, running: [(cost: 1, seconds: 99)], workers: 1) == 0)
        estimate.add(seconds: 18, cost: 1)
        #expect(estimate.secondsPerCost == 12)
        estimate.add(seconds: 5, cost: 0)
        #expect(estimate.secondsPerCost == 12)
    }
}
