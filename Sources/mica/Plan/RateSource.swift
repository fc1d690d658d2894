import CPUBackend
import Foundation
import QwenImage
import Synchronization
import TensorCore

/// The rates of the machine for one model: from the cache, or measured when they are first asked for.
final class RateSource: Sendable {
    /// How a machine computes.
    struct Machine: Sendable {
        let compute: ComputePrecision
        /// What blocks' matrices are converted to; nil for as they are stored.
        let weightForm: WeightForm?
        /// Nil for all processors.
        let threads: Int?
    }

    private let model: ModelFolder
    private let machine: Machine
    private let measuresAnew: Bool
    private let known = Mutex<Found?>(nil)

    /// Rates, and a line on where they come from.
    private struct Found {
        let rates: DeviceRates
        let origin: String
    }

    /// - Parameter measuresAnew: measures, whatever the cache has, and keeps that.
    init(model: ModelFolder, _ machine: Machine, measuresAnew: Bool = false) {
        self.model = model
        self.machine = machine
        self.measuresAnew = measuresAnew
    }

    /// The rates; those of an ordinary machine, said to be assumed, if measuring fails.
    var rates: DeviceRates { found.rates }

    /// When they were measured and where they are kept.
    var origin: String { found.origin }

    private var found: Found {
        known.withLock { known in
            if let known { return known }
            // A backend of its own: a worker's may be at work, and has a budget.
            let calibration = Calibration(
                backend: CPUBackend(
                    threads: machine.threads, compute: machine.compute, weightForm: machine.weightForm), model: model)
            let key = calibration.key(machine)
            let cache = RateCache.usual
            var found = Found(rates: Self.assumed, origin: "rates: assumed, as measuring failed")
            if let entry = try? cache.entry(key, anew: measuresAnew, measure: calibration.measure) {
                found = Found(
                    rates: entry.rates,
                    origin: "rates: measured \(entry.measuredAt.formatted(.iso8601)), kept in \(cache.file.path);"
                        + " --measure takes them anew")
            }
            known = found
            return found
        }
    }

    private static let assumed = DeviceRates(
        productOperations: 1e11, attentionOperations: 1e11, convolutionOperations: 1e11, memoryBytes: 1e10,
        storageBytes: 1e9, operationSeconds: 1e-5, source: "assumed")
}
