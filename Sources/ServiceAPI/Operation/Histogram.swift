import Synchronization

/// Times of something, counted in the steps of Prometheus' histograms.
final class Histogram: Sendable {
    /// Upper bounds in seconds.
    static let bounds: [Double] = [
        0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 90, 120, 180, 240, 300, 480, 960, 1920, 7680,
    ]

    private struct State {
        /// By bound, those above all of them last.
        var counts = [UInt64](repeating: 0, count: Histogram.bounds.count + 1)
        var sum = 0.0
    }

    private let state = Mutex(State())

    func record(_ seconds: Double) {
        let place = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        state.withLock { state in
            state.counts[place] += 1
            state.sum += seconds
        }
    }

    /// Writes `<name>_bucket`, `_sum` and `_count`.
    func write(_ name: String, help: String, to text: inout MetricsText) {
        let state = state.withLock { $0 }
        text.family(name, "histogram", help)
        var total: UInt64 = 0
        for (bound, count) in zip(Self.bounds, state.counts) {
            total += count
            text.sample("\(name)_bucket", [("le", MetricsText.number(bound))], Double(total))
        }
        total += state.counts[Self.bounds.count]
        text.sample("\(name)_bucket", [("le", "+Inf")], Double(total))
        text.sample("\(name)_sum", [], state.sum)
        text.sample("\(name)_count", [], Double(total))
    }
}
