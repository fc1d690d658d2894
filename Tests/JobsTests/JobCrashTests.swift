import DurableStorage
import Foundation
import Jobs
import Testing

struct JobCrashTests {
    private static let jobCount = 10

    /// A queue of ten jobs, killed at random points until it is through: whatever was accepted ends once.
    @Test func acceptedJobsEndOnceWhateverIsKilled() throws {
        var generator = SeededGenerator(seed: 20)
        var kills = 0
        while kills < 10 {
            let folder = try ScratchFolder()
            var ids: [String: String] = [:]
            var ends: [String: Int] = [:]
            // At most two kills a queue: a job may rightly fail at the second one.
            for _ in 0..<2 {
                let probe = try ProbeProcess([folder.path, "serve", "\(Self.jobCount)"], lineLimit: 1000)
                // Ten jobs make 31 lines.
                probe.kill(afterLines: Int.random(in: 0...28, using: &generator))
                kills += 1
                try note(probe, &ids, &ends)
            }
            let last = try ProbeProcess([folder.path, "serve", "\(Self.jobCount)"], lineLimit: 1000)
            #expect(last.finish() == 0)
            #expect(last.lines.last == "done")
            try note(last, &ids, &ends)
            try check(folder, ids, ends)
        }
    }

    /// Keeps what a run said, and that it did not contradict an earlier one.
    private func note(_ probe: ProbeProcess, _ ids: inout [String: String], _ ends: inout [String: Int]) throws {
        #expect(probe.lines("refused").isEmpty)
        for words in probe.lines("accepted") {
            #expect(ids[words[1], default: words[2]] == words[2])
            ids[words[1]] = words[2]
        }
        for words in probe.lines("ended") { ends[words[1], default: 0] += 1 }
    }

    /// Every job is in the store once, has ended, and has the result that is its own.
    private func check(_ folder: ScratchFolder, _ ids: [String: String], _ ends: [String: Int]) throws {
        let bench = try JobBench(folder: folder.path)
        let jobs = try bench.service.list(client: nil, limit: 200).jobs
        #expect(jobs.count == Self.jobCount)
        #expect(ids.count == Self.jobCount)
        #expect(Set(jobs.map(\.id.description)) == Set(ids.values))
        #expect(Set(jobs.map(\.metadata)).count == Self.jobCount)
        #expect(ends.values.allSatisfy { $0 == 1 })
        #expect(bench.executor.executed.isEmpty)
        for job in jobs {
            #expect(ids[job.metadata] == job.id.description)
            guard job.state == .succeeded else {
                #expect(job.failure == .serverStoppedTwice)
                #expect(job.attempts == 2)
                continue
            }
            let index = try #require(Int(job.metadata.dropFirst("key-".count)))
            let body = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ index) }
            let result = try bench.service.result(job.id)
            #expect(try result.bytes(of: 0) == Array(job.metadata.utf8))
            #expect(try result.bytes(of: 1) == body.reversed())
        }
        let kept = jobs.filter { $0.state == .succeeded }.map(\.id.description)
        #expect(try folder.names("requests").isEmpty)
        #expect(try folder.names("results") == kept.sorted())
    }

    /// A job that kills the server is tried twice and then failed, and the others are done.
    @Test func aJobThatKillsTheServerIsGivenUp() throws {
        let folder = try ScratchFolder()
        for attempt in 1...2 {
            let probe = try ProbeProcess([folder.path, "poison", "4"], lineLimit: 1000)
            #expect(probe.finish() == -SIGKILL)
            #expect(probe.lines("started").last?.last == "\(attempt)")
        }
        let probe = try ProbeProcess([folder.path, "poison", "4"], lineLimit: 1000)
        #expect(probe.finish() == 0)
        let bench = try JobBench(folder: folder.path)
        let jobs = try bench.service.list(client: nil).jobs
        #expect(jobs.map(\.metadata) == ["key-3", "key-2", "key-1", "key-0"])
        #expect(jobs.map(\.state) == [.succeeded, .succeeded, .succeeded, .failed])
        #expect(jobs[3].failure == .serverStoppedTwice)
        #expect(probe.lines("started").allSatisfy { $0[1] != jobs[3].id.description })
    }

    /// No room for requests, for results, or for the database itself: what is accepted ends, the rest is refused with a
    /// clear error, and jobs in memory go on.
    @Test(arguments: [200_000, 40_000, 15_000, 2000])
    func fullDisks(_ byteLimit: Int) throws {
        let storesFailures = try fillDisk(byteLimit)
        guard byteLimit == 200_000 else { return }
        // There is room for some jobs' failures, unless by chance others took it all before, once in twenty times.
        #expect(try storesFailures || (0..<4).contains { _ in try fillDisk(byteLimit) })
    }

    /// Whether a job's failure for want of space was stored.
    private func fillDisk(_ byteLimit: Int) throws -> Bool {
        let folder = try ScratchFolder()
        // The database is there before the disk is full.
        try JobStore(folder: folder.path) { _ in }.close()
        let rounds = 30
        let probe = try ProbeProcess([folder.path, "full", "\(rounds)", "\(byteLimit)"], lineLimit: 10_000)
        #expect(probe.finish() == 0)
        #expect(probe.lines.last == "done")
        // A file that could not be written leaves nothing behind.
        let files = try folder.names("requests") + folder.names("results")
        #expect(files.allSatisfy { JobID($0) != nil })
        let ids = Dictionary(uniqueKeysWithValues: probe.lines("accepted").map { ($0[1], $0[2]) })
        let refused = Set(probe.lines("refused").map { $0[1] })
        #expect(ids.count + refused.count == 4 * rounds)
        for line in probe.lines where line.hasPrefix("refused") {
            // SQLite tells a limit of the file's size from other failures less well than a full disk.
            #expect(line.contains("no space left to") || line.contains("cannot write the database"))
        }
        let ended = Dictionary(grouping: probe.lines("ended")) { $0[1] }
        #expect(ended.values.allSatisfy { $0.count == 1 })
        #expect(Set(ended.keys) == Set(ids.values))
        for round in 0..<rounds {
            #expect(refused.contains("key-\(4 * round)"))
            let transient = try #require(ids["key-\(4 * round + 2)"])
            #expect(ended[transient]?.first?[2] == "succeeded")
            guard let long = ids["key-\(4 * round + 3)"] else { continue }
            #expect(ended[long]?.first?.dropFirst(2) == ["failed", "storage"])
        }
        if byteLimit < 3000 { #expect(refused.count >= 3 * rounds - 2) }
        // With room again, nothing that was accepted is missing, and what could not be stored as ended ends again.
        let bench = try JobBench(folder: folder.path)
        let stored = try bench.service.list(client: nil, limit: 200).jobs
        let durable = ids.filter { Int($0.key.dropFirst("key-".count)).map { $0 % 4 != 2 } ?? false }
        #expect(Set(stored.map(\.id.description)) == Set(durable.values))
        for job in stored { #expect(try bench.waitForEnd(of: job.id)) }
        return stored.contains { $0.failure?.code == "storage" }
    }
}
