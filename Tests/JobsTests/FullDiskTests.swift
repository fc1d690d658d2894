import DurableStorage
import Foundation
import Glibc
import Testing

@testable import Jobs

/// A store on a disk that is full.
struct FullDiskTests {
    /// A file system of two megabytes, in memory; unmounted when it is let go.
    private final class SmallDisk {
        let folder: ScratchFolder

        init() throws {
            folder = try ScratchFolder()
            guard mount("tmpfs", folder.path, "tmpfs", 0, "size=2m") == 0 else { throw POSIXError(.EPERM) }
        }

        deinit { umount2(folder.path, Int32(MNT_DETACH)) }

        /// Leaves no byte free.
        func fill() throws {
            let descriptor = open(folder.path + "/filler", O_WRONLY | O_CREAT | O_APPEND, 0o600)
            try #require(descriptor >= 0)
            defer { close(descriptor) }
            let bytes = [UInt8](repeating: 1, count: 4096)
            while write(descriptor, bytes, bytes.count) > 0 {}
        }
    }

    /// Containers keep the right to mount from their superuser.
    private static let canMount = (try? SmallDisk()) != nil

    @Test(.enabled(if: canMount, "only the superuser may mount a small disk"))
    func aJobCanBeDeletedAndFreesItsSpace() throws {
        let disk = try SmallDisk()
        let bench = try JobBench(folder: disk.folder.path)
        defer { bench.close() }
        let body = [UInt8](repeating: 7, count: 200_000)
        let succeeded = try bench.submit(body: body, isDurable: true)
        let failed = try bench.submit("fail", isDurable: true)
        #expect(bench.observer.waitForEnds(2))
        try disk.fill()
        #expect(throws: JobError.self) { try bench.submit(body: body, isDurable: true) }
        for id in [succeeded, failed] {
            try bench.service.delete(id)
            #expect(throws: JobError.notFound(id)) { try bench.service.snapshot(id) }
        }
        #expect(try disk.folder.names("results").isEmpty)
        // There is space again for another one.
        let next = try bench.submit(body: [1], isDurable: true)
        #expect(bench.observer.waitForEnds(1))
        #expect(try bench.service.snapshot(next).state == .succeeded)
    }

    /// Nothing of it frees space, and the database's log is as short as after a start.
    @Test(.enabled(if: canMount, "only the superuser may mount a small disk"))
    func jobsWithoutFilesCanBeDeletedAfterAStart() throws {
        let disk = try SmallDisk()
        let before = try JobBench(folder: disk.folder.path)
        let ids = try (0..<3).map { _ in try before.submit("fail", isDurable: true) }
        #expect(before.observer.waitForEnds(3))
        before.close()
        let bench = try JobBench(folder: disk.folder.path)
        defer { bench.close() }
        for id in ids {
            try disk.fill()
            try bench.service.delete(id)
            #expect(throws: JobError.notFound(id)) { try bench.service.snapshot(id) }
        }
    }

    /// Who cannot start can delete nothing. A job that was running needs a change of its row besides.
    @Test(.enabled(if: canMount, "only the superuser may mount a small disk"))
    func aStartUsesTheReserve() throws {
        let disk = try SmallDisk()
        let before = try JobBench(folder: disk.folder.path)
        let body = [UInt8](repeating: 7, count: 200_000)
        let failed = try before.submit("fail", body: body, isDurable: true)
        #expect(before.observer.waitForEnds(1))
        let running = try before.submit("hold", body: body, isDurable: true)
        #expect(before.executor.waitUntilHeld())
        // As a kill leaves it: nothing of the end is stored.
        before.close()
        try disk.fill()
        let bench = try JobBench(folder: disk.folder.path, isStarted: false)
        defer { bench.close() }
        #expect(try bench.service.snapshot(running).state == .queued)
        for id in [failed, running] {
            try bench.service.delete(id)
            #expect(throws: JobError.notFound(id)) { try bench.service.snapshot(id) }
        }
        before.executor.release()
        #expect(try bench.submit(body: body, isDurable: true) != failed)
    }

    /// Else the disk would stay full.
    @Test(.enabled(if: canMount, "only the superuser may mount a small disk"))
    func resultsExpire() throws {
        let disk = try SmallDisk()
        let before = try JobBench(folder: disk.folder.path)
        let id = try before.submit(body: [UInt8](repeating: 7, count: 100_000), isDurable: true)
        #expect(before.observer.waitForEnds(1))
        before.close()
        let store = try JobStore(folder: disk.folder.path) { _ in }
        defer { store.close() }
        try disk.fill()
        try store.sweep(now: SystemJobClock().now.advanced(bySeconds: 1e7))
        #expect(try store.job(id)?.state == .expired)
        #expect(try disk.folder.names("results").isEmpty)
    }

    /// Its end could not be stored, so that only memory knows of it.
    @Test(.enabled(if: canMount, "only the superuser may mount a small disk"))
    func aJobWhoseEndIsNotStoredCanBeDeleted() throws {
        let disk = try SmallDisk()
        let bench = try JobBench(folder: disk.folder.path)
        defer { bench.close() }
        let id = try bench.submit("hold", body: [UInt8](repeating: 7, count: 100_000), isDurable: true)
        #expect(bench.executor.waitUntilHeld())
        try disk.fill()
        bench.executor.release()
        #expect(bench.observer.waitForEnds(1))
        #expect(try bench.service.snapshot(id).failure?.code == "storage")
        try bench.service.delete(id)
        #expect(throws: JobError.notFound(id)) { try bench.service.snapshot(id) }
        #expect(try disk.folder.names("requests").isEmpty)
    }
}
