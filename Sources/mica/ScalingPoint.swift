/// One measured decomposition: how much work it was, and how long it took.
struct ScalingPoint {
    let resolution: Int
    let layers: Int
    let flops: Int
    let seconds: Double

    /// Seconds of a single operation.
    var secondsPerFLOP: Double { seconds / Double(max(flops, 1)) }

    /// By how much an operation gets slower from a point to the next larger one, at the worst pair; 1 if it never does.
    static func worstStep(_ points: [ScalingPoint]) -> Double {
        let sorted = points.sorted { $0.flops < $1.flops }
        return zip(sorted, sorted.dropFirst()).map { $1.secondsPerFLOP / $0.secondsPerFLOP }.reduce(1, max)
    }
}
