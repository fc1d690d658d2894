import TensorCore

/// Every way that was looked at for a job, fastest first, and the one that is taken.
public struct PlanForecast: Sendable {
    /// In the order of preference; those after the one that is taken are not looked at.
    public let candidates: [PlanCandidate]
    /// What the first device may hold, in bytes; nil for anything.
    public let budgetBytes: Int?
    /// What all of a job may hold on the host, in bytes; nil for anything.
    public let hostBudgetBytes: Int?

    /// The candidates in the order of preference.
    public init(candidates: [PlanCandidate], budgetBytes: Int?, hostBudgetBytes: Int? = nil) {
        self.candidates = candidates
        self.budgetBytes = budgetBytes
        self.hostBudgetBytes = hostBudgetBytes
    }

    /// The first that fits.
    public var chosen: PlanCandidate? { candidates.first { $0.refusal == nil } }

    /// Where nothing fits the one that is nearest to it: of those that only the host cannot hold the one that needs
    /// least there, and without any such the one that needs least on the device.
    public var smallest: PlanCandidate? {
        let ofHost = candidates.filter { $0.refusal?.place == .host }
        guard ofHost.isEmpty else { return ofHost.min { $0.hostBytes < $1.hostBytes } }
        return candidates.filter { $0.forecast != nil }.min { $0.deviceBytes < $1.deviceBytes }
    }

    /// The least that any way needs on the device; nil where none could be told.
    public var smallestBytes: Int? { candidates.compactMap { $0.forecast?.peakTensorBytes }.min() }

    /// The least that a way needs on the host which the devices can hold; nil without a budget of the host, or such a
    /// way.
    public var smallestHostBytes: Int? {
        guard hostBudgetBytes != nil else { return nil }
        return candidates.filter { $0.forecast != nil && $0.refusal?.place != .device }.map(\.hostBytes).min()
    }

    /// Why nothing is chosen: the budget that is too small, and what would do.
    ///
    /// - Parameters:
    ///   - device: whose budget `budgetBytes` is.
    ///   - plan: the one that was asked for; nil for any.
    public func shortage(on device: DeviceName, plan: OffloadPlan?) -> PlacementError {
        if let limit = hostBudgetBytes, let least = smallestHostBytes {
            return .hostBudgetTooSmall(plan: plan?.description, limitBytes: limit, smallestBytes: least)
        }
        return .budgetTooSmall(
            device: device, plan: plan?.description, limitBytes: budgetBytes ?? 0, smallestBytes: smallestBytes ?? 0)
    }
}
