import Foundation

/// A chart of time against arithmetic, both on logarithmic axes, as SVG that stands alone.
struct ScalingChart {
    let points: [ScalingPoint]

    private static let width = 640.0
    private static let height = 420.0
    private static let left = 64.0
    private static let right = 24.0
    private static let top = 24.0
    private static let bottom = 48.0
    private static let colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]

    /// The whole file.
    func svg() -> String {
        let flops = Axis(points.map { Double($0.flops) / 1e9 }, from: Self.left, to: Self.width - Self.right)
        let seconds = Axis(points.map(\.seconds), from: Self.height - Self.bottom, to: Self.top)
        var parts = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(Self.width)) \(Int(Self.height))" \
            font-family="sans-serif" font-size="12">
            <rect width="100%" height="100%" fill="white"/>
            """
        ]
        parts += grid(flops, seconds) + [proportional(flops, seconds)]
        let resolutions = Set(points.map(\.resolution)).sorted()
        for (index, resolution) in resolutions.enumerated() {
            parts += series(resolution, Self.colours[index % Self.colours.count], index, flops, seconds)
        }
        return (parts + ["</svg>\n"]).joined(separator: "\n")
    }

    private func grid(_ flops: Axis, _ seconds: Axis) -> [String] {
        let floor = Self.height - Self.bottom
        var parts: [String] = []
        for tick in flops.ticks {
            let x = Self.text(flops.position(tick))
            parts.append("<path d=\"M\(x) \(Self.top)V\(floor)\" stroke=\"#ddd\"/>")
            parts.append("<text x=\"\(x)\" y=\"\(floor + 16)\" text-anchor=\"middle\">\(Self.label(tick))</text>")
        }
        for tick in seconds.ticks {
            let y = seconds.position(tick)
            parts.append("<path d=\"M\(Self.left) \(Self.text(y))H\(Self.width - Self.right)\" stroke=\"#ddd\"/>")
            parts.append(
                "<text x=\"\(Self.left - 6)\" y=\"\(Self.text(y + 4))\" text-anchor=\"end\">\(Self.label(tick))</text>")
        }
        let middle = (Self.left + Self.width - Self.right) / 2
        parts.append("<text x=\"\(middle)\" y=\"\(Self.height - 10)\" text-anchor=\"middle\">GFLOP</text>")
        parts.append("<text x=\"\(Self.left - 40)\" y=\"\(Self.top - 8)\">seconds</text>")
        return parts
    }

    /// Where the points would lie if each operation took as long as in the whole.
    private func proportional(_ flops: Axis, _ seconds: Axis) -> String {
        let rates = points.map { log($0.secondsPerFLOP) }
        let rate = exp(rates.reduce(0, +) / Double(max(rates.count, 1))) * 1e9
        let ends = [flops.low, flops.high].map { flop in
            "\(Self.text(flops.position(flop))) \(Self.text(seconds.position(flop * rate)))"
        }
        return "<path d=\"M\(ends[0])L\(ends[1])\" stroke=\"#999\" stroke-dasharray=\"4 4\"/>"
    }

    private func series(
        _ resolution: Int, _ colour: String, _ index: Int, _ flops: Axis, _ seconds: Axis
    ) -> [String] {
        let own = points.filter { $0.resolution == resolution }.sorted { $0.flops < $1.flops }
        var parts: [String] = []
        let places = own.map { (flops.position(Double($0.flops) / 1e9), seconds.position($0.seconds)) }
        let path = places.map { "\(Self.text($0.0)) \(Self.text($0.1))" }.joined(separator: "L")
        parts.append("<path d=\"M\(path)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"1.5\"/>")
        for (point, place) in zip(own, places) {
            let (x, y) = (Self.text(place.0), Self.text(place.1))
            parts.append("<circle cx=\"\(x)\" cy=\"\(y)\" r=\"4\" fill=\"\(colour)\"/>")
            parts.append("<text x=\"\(Self.text(place.0 - 8))\" y=\"\(y)\" text-anchor=\"end\">\(point.layers)</text>")
        }
        let y = Self.top + 18 * Double(index + 1)
        parts.append("<circle cx=\"\(Self.left + 16)\" cy=\"\(y - 4)\" r=\"4\" fill=\"\(colour)\"/>")
        parts.append("<text x=\"\(Self.left + 26)\" y=\"\(y)\">\(resolution) pixels, by layers</text>")
        return parts
    }

    private static func text(_ value: Double) -> String { String(format: "%.1f", value) }
    private static func label(_ value: Double) -> String { String(format: "%g", value) }

    /// A logarithmic axis with some room around its values.
    private struct Axis {
        let low: Double
        let high: Double
        private let from: Double
        private let to: Double

        init(_ values: [Double], from: Double, to: Double) {
            let positive = values.filter { $0 > 0 }
            low = (positive.min() ?? 1) * 0.7
            high = (positive.max() ?? 10) * 1.4
            self.from = from
            self.to = to
        }

        func position(_ value: Double) -> Double {
            from + (to - from) * (log(max(value, low * 0.1)) - log(low)) / (log(high) - log(low))
        }

        /// 1, 2 and 5 times the powers of ten that lie inside.
        var ticks: [Double] {
            let decades = Int(floor(log10(low)))...Int(ceil(log10(high)))
            return decades.flatMap { decade in [1.0, 2, 5].map { $0 * pow(10, Double(decade)) } }
                .filter { (low...high).contains($0) }
        }
    }
}
