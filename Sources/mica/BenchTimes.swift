/// Wall seconds of the measured runs of one piece of work, in order.
struct BenchTimes {
    let seconds: [Double]

    /// The middle value, or the mean of the two in the middle.
    var median: Double {
        let sorted = seconds.sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
    var minimum: Double { seconds.min() ?? 0 }
    var maximum: Double { seconds.max() ?? 0 }

    /// Runs `body` `warmup` times unmeasured, then `repetitions` times (at least once).
    init(warmup: Int, repetitions: Int, _ body: () throws -> Void) rethrows {
        for _ in 0..<warmup { try body() }
        let clock = ContinuousClock()
        seconds = try (0..<max(repetitions, 1)).map { _ in
            let start = clock.now
            try body()
            return (clock.now - start) / .seconds(1)
        }
    }
}
