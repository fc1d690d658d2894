import DurableStorage
import Foundation
import Jobs
import Testing

struct BrokenStoreTests {
    /// A folder with jobs that succeeded, none of them running.
    private static func filled(_ count: Int, metadataBytes: Int = 2000) throws -> (ScratchFolder, [JobID]) {
        let folder = try ScratchFolder()
        let bench = try JobBench(folder: folder.path)
        defer { bench.close() }
        let ids = try (0..<count).map { _ in
            let id = try bench.submit(String(repeating: "m", count: metadataBytes), isDurable: true)
            #expect(bench.observer.waitForEnds(1))
            return id
        }
        return (folder, ids)
    }

    private static func damage(_ path: String, from offset: UInt64, with bytes: [UInt8]) throws {
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seek(toOffset: offset)
        try file.write(contentsOf: Data(bytes))
        try file.close()
    }

    /// Damage to the head, to the pages and to nearly all of it: a new store is begun and the old one lies aside,
    /// whole.
    @Test(arguments: [(0, 16), (4096, 4096), (100, 30_000)] as [(UInt64, Int)])
    func aCorruptDatabaseIsMovedAside(_ offset: UInt64, _ count: Int) throws {
        let (folder, ids) = try Self.filled(20)
        let path = folder.path + "/jobs.sqlite"
        try Self.damage(path, from: offset, with: (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) })
        let damaged = try Data(contentsOf: URL(fileURLWithPath: path))
        let bench = try JobBench(folder: folder.path)
        let aside = try #require(try folder.names().first { $0.hasPrefix("corrupt-") })
        guard case .corruptStoreMovedAside(let named, .corrupt) = try #require(bench.observer.notices.first) else {
            Issue.record("\(bench.observer.notices)")
            return
        }
        #expect(named == folder.path + "/" + aside)
        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(named)/jobs.sqlite")) == damaged)
        #expect(try folder.names(aside + "/results").count == ids.count)
        #expect(throws: JobError.notFound(ids[0])) { try bench.service.result(ids[0]) }
        let id = try bench.submit(isDurable: true)
        #expect(bench.observer.waitForEnds(1))
        #expect(try bench.service.result(id).bytes(of: 1) == [3, 2, 1])
    }

    /// One row that holds what was never written: its job has failed, and all others go on.
    @Test(arguments: [
        ("end_request = 3", true), ("priority = 9", true), ("attempts = 9223372036854775807", true),
        ("attempts = -1", true), ("id = 'x'", false),
    ])
    func oneDamagedRowKeepsNoOtherJobBack(_ change: String, _ isKnown: Bool) throws {
        let (folder, done) = try Self.filled(2)
        let waiting = try {
            let bench = try JobBench(folder: folder.path, isStarted: false)
            defer { bench.close() }
            return try (0..<2).map { _ in try bench.submit(isDurable: true) }
        }()
        do {
            let database = try DatabaseStorage(path: folder.path + "/jobs.sqlite")
            // Or the files of a result would keep its id.
            try database.run("PRAGMA foreign_keys = OFF")
            for id in [done[0], waiting[0]] {
                // Two rows cannot have the same id.
                let change = id == done[0] ? change : change.replacingOccurrences(of: "'x'", with: "'y'")
                #expect(try database.run("UPDATE jobs SET \(change) WHERE id = ?", [.text(id.description)]) == 1)
            }
        }
        let bench = try JobBench(folder: folder.path)
        #expect(bench.observer.waitForEnds(1))
        #expect(bench.observer.notices.first == .damagedJobs(count: 2))
        #expect(try bench.service.snapshot(waiting[1]).state == .succeeded)
        #expect(try bench.service.list(client: nil).jobs.count == (isKnown ? 4 : 2))
        #expect(try bench.service.result(done[1]).files.count == 2)
        #expect(bench.executor.executed == [waiting[1]])
        if isKnown {
            #expect(try bench.service.snapshot(waiting[0]).failure?.code == "storage")
            #expect(try bench.service.result(done[0]).files.count == 2)
        }
        #expect(try folder.names("requests").isEmpty)
        #expect(try folder.names("results").count == (isKnown ? 3 : 2))
        #expect(try !folder.names().contains { $0.hasPrefix("corrupt-") })
    }

    @Test func damageWhileItRunsIsAnErrorAndNotAnEnd() throws {
        // More than SQLite keeps in memory.
        let (folder, _) = try Self.filled(80, metadataBytes: 60_000)
        let bench = try JobBench(folder: folder.path)
        try Self.damage(folder.path + "/jobs.sqlite", from: 4096, with: [UInt8](repeating: 0xa5, count: 4_500_000))
        var errors = 0
        for _ in 0..<5 {
            do throws(JobError) {
                _ = try bench.service.list(client: nil, limit: 200)
            } catch {
                guard case .storage = error else {
                    Issue.record(error)
                    return
                }
                errors += 1
            }
        }
        #expect(errors == 5)
        let transient = try bench.submit()
        #expect(bench.observer.waitForEnds(1))
        #expect(try bench.service.result(transient).files.count == 2)
    }

    @Test func aResultFileThatWentIsExpired() throws {
        let (folder, ids) = try Self.filled(2)
        let bench = try JobBench(folder: folder.path)
        try FileManager.default.removeItem(atPath: "\(folder.path)/results/\(ids[0])")
        #expect(throws: JobError.expired(ids[0])) { try bench.service.result(ids[0]) }
        try Self.truncate("\(folder.path)/results/\(ids[1])", to: 3)
        do {
            _ = try bench.service.result(ids[1])
            Issue.record("a short result was opened")
        } catch JobError.storage(.corrupt) {}
    }

    private static func truncate(_ path: String, to count: UInt64) throws {
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.truncate(atOffset: count)
        try file.close()
    }

    @Test func leftoversOfAKillAreRemoved() throws {
        let (folder, ids) = try Self.filled(1)
        let names = [
            "requests/.unfinished-x", "requests/aaaaaaaaaaaaaaaaaaaaaa", "results/.unfinished-y", "results/zz",
        ]
        for name in names {
            #expect(FileManager.default.createFile(atPath: "\(folder.path)/\(name)", contents: Data([1])))
        }
        let bench = try JobBench(folder: folder.path)
        #expect(bench.observer.notices == [.leftoversRemoved(count: 4)])
        #expect(try folder.names("requests").isEmpty)
        #expect(try folder.names("results") == [ids[0].description])
    }

    @Test func twoServersDoNotShareAFolder() throws {
        let folder = try ScratchFolder()
        let bench = try JobBench(folder: folder.path)
        #expect(throws: StorageError.inUse(path: folder.path + "/jobs.sqlite")) {
            try JobStore(folder: folder.path) { _ in }
        }
        try bench.submit(isDurable: true)
        #expect(bench.observer.waitForEnds(1))
        #expect(try folder.names() == ["jobs.sqlite", "jobs.sqlite-wal", "requests", "reserve", "results"])
    }

    @Test func aNewerSchemaIsLeftAlone() throws {
        let (folder, _) = try Self.filled(1)
        let path = folder.path + "/jobs.sqlite"
        do {
            let database = try DatabaseStorage(path: path)
            try database.run("PRAGMA user_version = 99")
        }
        #expect(throws: StorageError.newerSchema(path: path, found: 99, known: 1)) {
            try JobStore(folder: folder.path) { _ in }
        }
        #expect(try !folder.names().contains { $0.hasPrefix("corrupt-") })
    }

    @Test func placesThatCannotHoldAStore() throws {
        let folder = try ScratchFolder()
        #expect(FileManager.default.createFile(atPath: folder.path + "/file", contents: nil))
        for place in ["/file", "/file/below"] {
            #expect(throws: StorageError.self) { try JobStore(folder: folder.path + place) { _ in } }
        }
        #expect(throws: StorageError.self) { try JobStore(folder: "/proc/jobs") { _ in } }
        _ = try JobStore(folder: folder.path + "/new/deep/one") { _ in }
    }
}
