import Foundation
import QwenImage

/// Keeps measured rates, so that a machine is measured once for a model's sizes and not for each plan.
struct RateCache {
    let file: URL

    /// `rates.json` in `$XDG_CACHE_HOME/mica`, `~/.cache/mica` if that is not set.
    static var usual: RateCache {
        let environment = ProcessInfo.processInfo.environment
        let base =
            environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : URL(fileURLWithPath: $0) }
            ?? FileManager.default.homeDirectoryForCurrentUser.appendingPathComponent(".cache")
        return RateCache(file: base.appendingPathComponent("mica/rates.json"))
    }

    /// Entries, at most; all go when there are more.
    private static let capacity = 256

    /// What was kept under `key`, else what `measure` finds. A cache that cannot be read or written is none.
    func rates(_ key: String, measure: () throws -> DeviceRates) rethrows -> DeviceRates {
        var entries = read()
        if let known = entries[key] { return known }
        let rates = try measure()
        if entries.count >= Self.capacity { entries.removeAll() }
        entries[key] = rates
        write(entries)
        return rates
    }

    private func read() -> [String: DeviceRates] {
        guard let data = FileManager.default.contents(atPath: file.path) else { return [:] }
        return (try? JSONDecoder().decode([String: DeviceRates].self, from: data)) ?? [:]
    }

    private func write(_ entries: [String: DeviceRates]) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard let data = try? encoder.encode(entries) else { return }
        try? FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try? data.write(to: file, options: .atomic)
    }
}
