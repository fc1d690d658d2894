import Foundation
import QwenImage

/// Keeps measured rates, so that a machine is measured once for a model's sizes and not for each plan.
struct RateCache {
    let file: URL

    /// `rates.json` in `$XDG_CACHE_HOME/mica`, `~/.cache/mica` if that is not set.
    static func usual(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> RateCache {
        func folder(_ name: String) -> URL? {
            environment[name].flatMap { $0.isEmpty ? nil : URL(fileURLWithPath: $0) }
        }
        // Foundation asks the list of users, which a container's user need not be in.
        let home = folder("HOME") ?? FileManager.default.homeDirectoryForCurrentUser
        let base = folder("XDG_CACHE_HOME") ?? home.appendingPathComponent(".cache")
        return RateCache(file: base.appendingPathComponent("mica/rates.json"))
    }

    /// Entries, at most; all go when there are more.
    private static let capacity = 256

    /// An entry is some hundred bytes.
    private static let largestFileBytes = 1 << 20

    /// Rates, and when they were measured.
    struct Entry: Codable {
        let rates: DeviceRates
        let measuredAt: Date
        /// The part of the processors that was free meanwhile, if other work took some; nil if none did.
        let disturbedShare: Double?

        private enum CodingKeys: String, CodingKey {
            case rates
            case measuredAt = "measured_at"
            case disturbedShare = "disturbed_share"
        }
    }

    /// What was kept under `key`, else what `measure` finds; with `anew` what it finds in any case. What was measured
    /// while other work ran is measured again each time until none does, and the better counts. A cache that cannot be
    /// read or written is none.
    func entry(_ key: String, anew: Bool, measure: () throws -> Calibration.Measurement) rethrows -> Entry {
        var entries = read()
        let known = anew ? nil : entries[key]
        if let known, known.disturbedShare == nil { return known }
        let measured = try measure()
        let isDisturbed = measured.share < ProcessorShare.undisturbed
        let rates = isDisturbed ? known?.rates.best(with: measured.rates) ?? measured.rates : measured.rates
        let entry = Entry(rates: rates, measuredAt: Date(), disturbedShare: isDisturbed ? measured.share : nil)
        if entries.count >= Self.capacity { entries.removeAll() }
        entries[key] = entry
        write(entries)
        return entry
    }

    private func read() -> [String: Entry] {
        guard let bytes = try? InputFile.readNamed(file.path, limit: Self.largestFileBytes) else { return [:] }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return (try? decoder.decode([String: Entry].self, from: Data(bytes))) ?? [:]
    }

    private func write(_ entries: [String: Entry]) {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard let data = try? encoder.encode(entries) else { return }
        try? FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try? data.write(to: file, options: .atomic)
    }
}
