import Foundation
import QwenImage
import Testing

@testable import mica

/// What is kept of a machine's speed.
@Suite struct RateCacheTests {
    private static func rates(_ operations: Double, start: Double = 1e-6) -> DeviceRates {
        DeviceRates(
            productOperations: operations, attentionOperations: 1, convolutionOperations: 1, memoryBytes: 1,
            storageBytes: 1, operationSeconds: start, source: "measured")
    }

    /// What was measured beside other work is measured again until nothing disturbs, and is not forgotten meanwhile:
    /// the quicker counts, figure by figure. An undisturbed measurement stays until another one is asked for.
    @Test func disturbedMeasurementsAreTakenAgain() throws {
        let folder = try TemporaryFolder()
        let cache = RateCache(file: folder.url.appendingPathComponent("mica/rates.json"))
        var count = 0
        func entry(_ operations: Double, share: Double, start: Double = 1e-6, anew: Bool = false) -> RateCache.Entry {
            cache.entry("a machine", anew: anew) {
                count += 1
                return Calibration.Measurement(rates: Self.rates(operations, start: start), share: share)
            }
        }
        let first = entry(5, share: 0.5, start: 2e-6)
        #expect(first.disturbedShare == 0.5 && first.rates.productOperations == 5)
        let second = entry(4, share: 0.6)
        #expect(second.disturbedShare == 0.6 && second.rates == Self.rates(5))
        // Alone at last, though slower than before: the clock may have been faster then, but this is how it is now.
        let third = entry(3, share: 0.95)
        #expect(third.disturbedShare == nil && third.rates == Self.rates(3) && count == 3)
        #expect(entry(9, share: 1).rates == Self.rates(3) && count == 3)
        #expect(entry(9, share: 0.5, anew: true).rates == Self.rates(9) && count == 4)
    }

    /// `~` is `$HOME`, whoever the process runs as.
    @Test func lieInTheCacheFolder() {
        let environment = ["HOME": "/home/a", "XDG_CACHE_HOME": ""]
        #expect(RateCache.usual(environment).file.path == "/home/a/.cache/mica/rates.json")
        let named = environment.merging(["XDG_CACHE_HOME": "/var/cache/a"]) { $1 }
        #expect(RateCache.usual(named).file.path == "/var/cache/a/mica/rates.json")
    }

    /// Files of before say nothing of other work.
    @Test func olderFilesCount() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appendingPathComponent("rates.json")
        let text = """
            {"a machine": {"measured_at": "2026-01-02T03:04:05Z", "rates": {"attentionOperations": 1, \
            "convolutionOperations": 1, "memoryBytes": 1, "operationSeconds": 1e-06, "productOperations": 7, \
            "source": "measured", "storageBytes": 1}}}
            """
        try Data(text.utf8).write(to: file)
        let entry = RateCache(file: file).entry("a machine", anew: false) {
            Issue.record("measured again")
            return Calibration.Measurement(rates: Self.rates(1), share: 1)
        }
        #expect(entry.rates == Self.rates(7))
    }

    /// Threads that share a processor get parts of it: four times as many as there are processors a quarter each.
    @Test func sharesAreTheSchedulers() {
        let processors = ProcessInfo.processInfo.activeProcessorCount
        let crowded = ProcessorShare.measured(threads: 4 * processors)
        #expect(crowded > 0 && crowded < 0.5)
    }
}
