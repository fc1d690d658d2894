import Dispatch
import Foundation
import Testing

/// Many clients at once, a third of whose requests are given up at some point: every other one is answered rightly, and
/// nothing is left behind.
@Suite struct ThousandJobsTests {
    private static let clients = 32
    private static let seeds = 16
    /// A picture with so much after it that a request which is kept shows.
    private static let picture = ((try? ServiceFixture.png()) ?? []) + [UInt8](repeating: 0, count: 20_000)

    private let requests = (0..<seeds).map { seed in
        ServiceFixture.form(
            [("seed", "\(seed)"), ("layers", "1"), ("prompt", "a")], image: picture,
            query: "?format=json")
    }
    private let submissions = (0..<seeds).map { seed in
        ServiceFixture.form(
            [("seed", "\(seed)"), ("layers", "2"), ("prompt", "a")], image: picture,
            path: "/v1/jobs")
    }

    @Test func nothingIsLeftBehind() throws {
        let folder = try ScratchFolder()
        let probe = try ServiceProbeProcess(store: folder.path)
        let wrong = Counter()
        let answered = Counter()
        // The same load before, so that caches, pools and the allocator have what they keep.
        run(turns: 8, port: probe.port, generation: 1, wrong: wrong, answered: answered)
        #expect(eventually { isIdle(probe) })
        let (descriptors, files, memory) = (probe.descriptors, probe.files, probe.memory)
        run(turns: 32, port: probe.port, generation: 2, wrong: wrong, answered: answered)
        #expect(wrong.value == 0 && answered.value > 700)
        #expect(eventually { isIdle(probe) && probe.descriptors <= descriptors })
        #expect(probe.files <= files, "files: \(files) before, \(probe.files) after")
        // The address sanitizer keeps freed memory back, up to 256 MiB, to find who uses it still; the thread sanitizer
        // remembers who has touched what.
        let environment = ProcessInfo.processInfo.environment
        let hasSanitizer = ["ASAN_OPTIONS", "TSAN_OPTIONS"].contains { environment[$0] != nil }
        #expect(
            hasSanitizer || Double(probe.memory) <= 1.05 * Double(memory),
            "KiB of memory: \(memory) before, \(probe.memory) after")
        #expect(try probe.stop() == 0)
    }

    private func isIdle(_ probe: ServiceProbeProcess) -> Bool {
        guard let text = try? TestClient(port: probe.port).ask("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").text else {
            return false
        }
        // The one that asks is open itself.
        return ["mica_jobs_running 0", "mica_jobs_waiting 0"].allSatisfy { metric in
            let name = metric.split(separator: " ")[0]
            let values = text.split(separator: "\n").filter { $0.hasPrefix(name) }.map { $0.split(separator: " ").last }
            return !values.isEmpty && values.allSatisfy { Double($0 ?? "") == 0 }
        }
    }

    private func run(turns: Int, port: Int, generation: UInt64, wrong: Counter, answered: Counter) {
        DispatchQueue.concurrentPerform(iterations: Self.clients) { number in
            var generator = SeededGenerator(seed: generation << 32 | UInt64(number))
            for turn in 0..<turns {
                let seed = Int.random(in: 0..<Self.seeds, using: &generator)
                guard let client = try? TestClient(port: port) else { return wrong.add() }
                let isRight: Bool?
                switch Int.random(in: 0..<24, using: &generator) {
                case 0..<7: isRight = abort(client, requests[seed], waits: turn % 2 == 0, whole: true, &generator)
                // A job that was sent as a whole is kept, as it should be; so these are cut off before.
                case 7: isRight = abort(client, submissions[seed], waits: turn % 2 == 0, whole: false, &generator)
                case 8: isRight = (try? keepAndDelete(client, seed)) ?? false
                default: isRight = (try? layers(client, seed)) ?? false
                }
                client.close()
                if let isRight { isRight ? answered.add() : wrong.add() }
            }
        }
    }

    private func abort(
        _ client: TestClient, _ request: [UInt8], waits: Bool, whole: Bool, _ generator: inout SeededGenerator
    ) -> Bool? {
        let count = Int.random(in: 1...(request.count - (whole ? 0 : 1)), using: &generator)
        client.send(Array(request.prefix(count)))
        if waits { usleep(UInt32.random(in: 0..<3000, using: &generator)) }
        return nil
    }

    private func layers(_ client: TestClient, _ seed: Int) throws -> Bool {
        client.send(requests[seed])
        let answer = try client.readAnswer()
        return try answer.status == 200 && ServiceFixture.json(answer.body)["seed"] as? Int == seed
    }

    /// A kept job, to its ZIP and its end.
    private func keepAndDelete(_ client: TestClient, _ seed: Int) throws -> Bool {
        client.send(submissions[seed])
        let accepted = try client.readAnswer()
        guard accepted.status == 202, let path = accepted.fields["location"] else { return false }
        func ask(_ method: String, _ path: String) throws -> TestClient.Answer {
            try client.ask("\(method) \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
        }
        let isDone = eventually {
            (try? ServiceFixture.json(ask("GET", path).body))?["state"] as? String == "succeeded"
        }
        guard isDone else { return false }
        let manifest = try ServiceFixture.json(try ask("GET", "\(path)/manifest").body)
        let archive = try ask("GET", "\(path)/layers.zip")
        let removed = try ask("DELETE", path)
        return manifest["seed"] as? Int == seed && archive.status == 200 && removed.status == 204
    }
}
