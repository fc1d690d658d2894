import TensorCore

/// One way to place a model's weights, and whether a job fits with it.
public struct PlanCandidate: Sendable {
    /// Where the weights live.
    public let plan: OffloadPlan
    /// Without regard to the budget; nil where it could not be told.
    public let forecast: JobForecast?
    /// Why it is not taken; nil if it fits.
    public let refusal: String?

    /// A plan that was looked at.
    public init(plan: OffloadPlan, forecast: JobForecast?, refusal: String?) {
        self.plan = plan
        self.forecast = forecast
        self.refusal = refusal
    }
}

/// Every plan that was looked at for a job, fastest first, and the one that is taken.
public struct PlanForecast: Sendable {
    /// In the order of preference.
    public let candidates: [PlanCandidate]
    /// In bytes; nil for none.
    public let budgetBytes: Int?

    /// The candidates in the order of preference.
    public init(candidates: [PlanCandidate], budgetBytes: Int?) {
        self.candidates = candidates
        self.budgetBytes = budgetBytes
    }

    /// The first that fits.
    public var chosen: PlanCandidate? { candidates.first { $0.refusal == nil } }

    /// The least that any of them needs on the device.
    public var smallestBytes: Int? { candidates.compactMap { $0.forecast?.peakTensorBytes }.min() }
}
