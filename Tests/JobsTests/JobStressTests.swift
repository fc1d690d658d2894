import Dispatch
import Foundation
import Jobs
import Synchronization
import Testing

struct JobStressTests {
    private struct Sent: Sendable {
        let id: JobID
        let body: [UInt8]
        let isAborted: Bool
    }

    /// A thousand jobs of 32 clients on three workers, every tenth in the store; a third is taken back at a random
    /// point.
    @Test(arguments: [7, 8] as [UInt64])
    func everyOtherJobIsAnsweredRightly(_ seed: UInt64) throws {
        let folder = try ScratchFolder()
        var configuration = JobConfiguration()
        configuration.waitingLimit = 1000
        configuration.clientLimits.waiting = 1000
        let bench = try JobBench(workers: 3, folder: folder.path, configuration: configuration)
        let descriptors = try openDescriptors(folder)
        let sent = Mutex<[Sent]>([])
        let jobsPerClient = 32
        DispatchQueue.concurrentPerform(iterations: 32) { client in
            var generator = SeededGenerator(seed: seed &* 1000 &+ UInt64(client))
            for number in 0..<jobsPerClient {
                let body = (0..<20).map { _ in UInt8.random(in: 0...255, using: &generator) }
                let isAborted = Int.random(in: 0..<3, using: &generator) == 0
                guard let id = try? bench.submit(
                    "job", body: body, client: "client-\(client)", isDurable: number % 10 == 0,
                    { $0.priority = JobPriority.allCases.randomElement(using: &generator)! })
                else {
                    Issue.record("job \(number) of client \(client) was not taken")
                    continue
                }
                sent.withLock { $0.append(Sent(id: id, body: body, isAborted: isAborted)) }
                guard isAborted else { continue }
                // Some at once, some after a look, some after those of others had time.
                if Bool.random(using: &generator) { _ = try? bench.service.snapshot(id) }
                if Bool.random(using: &generator) {
                    _ = try? bench.service.cancel(id)
                } else {
                    DispatchQueue.global().async { _ = try? bench.service.cancel(id) }
                }
            }
        }
        let jobs = sent.withLock { $0 }
        #expect(jobs.count == 32 * jobsPerClient)
        #expect(bench.observer.waitForEnds(jobs.count))
        var cancelled = 0
        for job in jobs {
            let state = try bench.service.snapshot(job.id).state
            if state == .cancelled {
                cancelled += 1
                #expect(job.isAborted)
                continue
            }
            #expect(state == .succeeded)
            let result = try bench.service.result(job.id)
            #expect(try result.bytes(of: 0) == Array("for \(job.id)".utf8))
            #expect(try result.bytes(of: 1) == job.body.reversed())
        }
        #expect(cancelled > 0)
        try checkNothingIsLeft(bench, jobs.map(\.id), folder, descriptors)
    }

    private func checkNothingIsLeft(
        _ bench: JobBench, _ ids: [JobID], _ folder: ScratchFolder, _ descriptors: Int
    ) throws {
        #expect(bench.executors.map(\.overlaps) == [0, 0, 0])
        let executed = bench.executors.flatMap(\.executed)
        #expect(Set(executed).count == executed.count)
        #expect(Set(bench.observer.ended.map(\.id)).count == ids.count)
        let metrics = bench.service.metrics
        #expect(metrics.running == 0)
        #expect(metrics.waiting.values.allSatisfy { $0 == 0 })
        #expect(metrics.waitingBytes == 0)
        #expect(metrics.endedTotal.values.reduce(0, +) == ids.count)
        #expect(metrics.workers.allSatisfy { $0.job == nil })
        #expect(try folder.names("requests").isEmpty)
        for id in ids { try bench.service.delete(id) }
        #expect(try folder.names("results").isEmpty)
        #expect(try bench.service.list(client: nil).jobs.isEmpty)
        #expect(try openDescriptors(folder) == descriptors)
    }

    /// Descriptors of files of this test's folder; other tests run beside it.
    private func openDescriptors(_ folder: ScratchFolder) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count { name in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
            return target?.hasPrefix(folder.path) ?? false
        }
    }
}
