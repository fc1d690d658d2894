import CPUBackend
import Dispatch
import Foundation
import QwenImage
import Synchronization
import TensorCore

/// The rates of what computes, for one model: published ones of a graphics card; those of the machine from the cache,
/// or measured when they are first asked for.
final class RateSource: Sendable {
    /// How a machine computes.
    struct Machine: Sendable {
        let compute: ComputePrecision
        /// Nil for all processors.
        let threads: Int?
    }

    private let model: ModelFolder
    private let machine: Machine
    private let measuresAnew: Bool
    private let known: Mutex<Found?>
    /// Where one measures and others wait for it, so that no lock is held for seconds.
    private let measuring = DispatchQueue(label: "mica.rates")

    /// Rates, and a line on where they come from if there is more to say than their source does.
    private struct Found {
        let rates: DeviceRates
        let origin: String?
        /// When to measure again; nil for never.
        var until: ContinuousClock.Instant?
    }

    /// How long rates count that were measured while other work ran, such as a job of this service.
    private static let disturbedLife = Duration.seconds(300)

    /// - Parameters:
    ///   - card: what the GPU is, among the devices; nil if the host's processors compute alone.
    ///   - measuresAnew: measures, whatever the cache has, and keeps that.
    init(model: ModelFolder, _ machine: Machine, card: PublishedGPU?, measuresAnew: Bool = false) {
        self.model = model
        self.machine = machine
        self.measuresAnew = measuresAnew
        known = Mutex(card.map { Found(rates: $0.rates, origin: nil) })
    }

    /// The rates; those of an ordinary machine, said to be assumed, if measuring fails.
    var rates: DeviceRates { found.rates }

    /// When they were measured and where they are kept; nil for published ones.
    var origin: String? { found.origin }

    private var found: Found {
        if let current { return current }
        return measuring.sync {
            if let current { return current }
            let found = measured()
            known.withLock { $0 = found }
            return found
        }
    }

    /// What is known and still counts.
    private var current: Found? {
        known.withLock { $0 }.flatMap { found in
            found.until.map { ContinuousClock.now >= $0 } == true ? nil : found
        }
    }

    private func measured() -> Found {
        // A backend of its own: a worker's may be at work, and has a budget.
        let calibration = Calibration(
            backend: CPUBackend(threads: machine.threads, compute: machine.compute), model: model)
        let key = calibration.key(machine)
        let cache = RateCache.usual()
        guard
            let entry = try? cache.entry(
                key, anew: measuresAnew, measure: { try calibration.measure(threads: machine.threads) })
        else { return Found(rates: Self.assumed, origin: "rates: assumed, as measuring failed") }
        let measured = "rates: measured \(entry.measuredAt.formatted(.iso8601))"
        guard let share = entry.disturbedShare else {
            return Found(
                rates: entry.rates, origin: "\(measured), kept in \(cache.file.path); --measure takes them anew")
        }
        return Found(
            rates: entry.rates,
            origin: "\(measured), with \(Int(share * 100)) % of the processors free, so that times may be too long; the"
                + " next plan measures again (kept in \(cache.file.path))",
            until: .now + Self.disturbedLife)
    }

    private static let assumed = DeviceRates(
        productOperations: 1e11, attentionOperations: 1e11, convolutionOperations: 1e11, memoryBytes: 1e10,
        storageBytes: 1e9, operationSeconds: 1e-5, source: "assumed")
}
