/// How long a job of cost 1 takes, learnt from those that ended well.
struct RunTimeEstimate: Sendable {
    /// The weight of a new measurement.
    static let weight = 0.25

    /// nil before the first measurement.
    private(set) var secondsPerCost: Double?

    mutating func add(seconds: Double, cost: Double) {
        let measured = seconds / cost
        guard measured.isFinite, measured >= 0 else { return }
        secondsPerCost = secondsPerCost.map { $0 + (measured - $0) * Self.weight } ?? measured
    }

    /// Seconds until a job starts that has `costAhead` before it and `running` (cost and seconds so far) on `workers`
    /// workers; nil while nothing is known.
    func secondsUntilStart(costAhead: Double, running: [(cost: Double, seconds: Double)], workers: Int) -> Double? {
        guard let secondsPerCost else { return nil }
        // While a worker is free, what runs on others does not matter.
        if running.count < workers, costAhead == 0 { return 0 }
        let rest = running.reduce(0) { $0 + max(0, $1.cost * secondsPerCost - $1.seconds) }
        return (costAhead * secondsPerCost + rest) / Double(max(1, workers))
    }
}
