import TensorCore

/// One way to do a job: where the weights live, and whether the autoencoder works in tiles; and whether it fits.
public struct PlanCandidate: Sendable {
    /// Where the weights live.
    public let plan: OffloadPlan
    /// True if the autoencoder takes its pictures in tiles.
    public let usesTiles: Bool
    /// Where it does not fit, without regard to the budget; nil where it could not be told.
    public internal(set) var forecast: JobForecast?
    /// Why it is not taken; nil if it fits.
    public internal(set) var refusal: String?

    /// A way that was looked at.
    public init(plan: OffloadPlan, usesTiles: Bool, forecast: JobForecast?, refusal: String?) {
        self.plan = plan
        self.usesTiles = usesTiles
        self.forecast = forecast
        self.refusal = refusal
    }
}

/// Every way that was looked at for a job, fastest first, and the one that is taken.
public struct PlanForecast: Sendable {
    /// In the order of preference; those after the one that is taken are not looked at.
    public private(set) var candidates: [PlanCandidate]
    /// In bytes; nil for none.
    public let budgetBytes: Int?

    /// The candidates in the order of preference.
    public init(candidates: [PlanCandidate], budgetBytes: Int?) {
        self.candidates = candidates
        self.budgetBytes = budgetBytes
    }

    /// Adds what becomes of the layers, which takes memory of the host alone. A way that would break the host's limit
    /// is refused.
    ///
    /// - Parameters:
    ///   - hostLimitBytes: what all of a job may hold on the host; nil for no limit.
    ///   - finish: told from the size of a job's layers.
    public mutating func add(hostLimitBytes: Int?, finish: (JobForecast) -> FinishForecast) {
        for index in candidates.indices {
            guard var forecast = candidates[index].forecast else { continue }
            forecast.finish = finish(forecast)
            candidates[index].forecast = forecast
            let needed = forecast.hostPeak
            guard let hostLimitBytes, needed.bytes > hostLimitBytes, candidates[index].refusal == nil else { continue }
            candidates[index].refusal =
                "\(needed.stage?.rawValue ?? "finishing the layers") needs"
                + " \(ByteCount(roundedUp: needed.bytes)) on the host, more than \(ByteCount(hostLimitBytes))"
        }
    }

    /// The first that fits.
    public var chosen: PlanCandidate? { candidates.first { $0.refusal == nil } }

    /// The one that needs least on the device.
    public var smallest: PlanCandidate? {
        candidates.filter { $0.forecast != nil }.min {
            ($0.forecast?.peakTensorBytes ?? 0) < ($1.forecast?.peakTensorBytes ?? 0)
        }
    }
}
