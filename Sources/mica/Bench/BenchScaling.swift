import ArgumentParser
import Foundation

/// `mica bench scaling`: whether time grows as the work does, over layers and resolutions.
struct BenchScaling: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scaling", abstract: "Time against arithmetic over layers and resolutions, of a small model.")

    @Option(parsing: .upToNextOption, help: "Numbers of layers.")
    var layers = [2, 4, 8]

    @Option(parsing: .upToNextOption, help: "Sides of the picture in pixels, multiples of 16.")
    var resolutions = [320, 640, 1024]

    @Option(help: "Blocks of the transformer.")
    var blocks = 1

    @Option(help: "Width of the transformer, a multiple of 128.")
    var hidden = 256

    @Option(help: "Channels of the autoencoder's outermost level.")
    var base = 16

    @Option(help: ArgumentHelp("Write a chart (SVG).", valueName: "file"))
    var chart: String?

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try OptionRange.check("--blocks", blocks, 1...1000)
        try OptionRange.check("--hidden", hidden, 128...65_536)
        try OptionRange.check("--base", base, 1...4096)
        for count in layers { try OptionRange.check("--layers", count, 1...16) }
        for side in resolutions { try OptionRange.check("--resolutions", side, 64...2048) }
        guard hidden.isMultiple(of: 128), resolutions.allSatisfy({ $0.isMultiple(of: 16) }) else {
            throw ValidationError("--hidden must be a multiple of 128 and --resolutions of 16")
        }
        guard !layers.isEmpty, !resolutions.isEmpty else { throw ValidationError("nothing to measure") }
    }

    func run() throws {
        try CommandFailure.reporting(measure)
    }

    private func measure() throws {
        var points: [ScalingPoint] = []
        // The largest points take long: one run each unless more are asked for.
        var options = options
        options.givenRepetitions = options.givenRepetitions ?? 1
        for resolution in resolutions {
            for count in layers {
                let sizes = SyntheticDecomposition.Sizes(
                    blocks: blocks, hidden: hidden, base: base, resolution: resolution, layers: count, steps: 1)
                let result = try BenchRunner.run("scaling", options, parameters: [:]) { backend, source in
                    try SyntheticDecomposition(sizes, backend: backend, source: source).run
                }
                points.append(
                    ScalingPoint(
                        resolution: resolution, layers: count, flops: result.floatingPointOperations ?? 0,
                        seconds: result.times.minimum))
            }
        }
        if let chart {
            try WholeFiles.write([(path: chart, bytes: Array(ScalingChart(points: points).svg().utf8))])
        }
        try StandardOutput.print(options.json ? try json(points) : text(points))
    }

    private func json(_ points: [ScalingPoint]) throws -> String {
        let object: [String: Any] = [
            "bench": "scaling", "dtype": options.dtype.rawValue, "blocks": blocks, "hidden": hidden, "base": base,
            "worst_step": ScalingPoint.worstStep(points),
            "points": points.map {
                let point: [String: Any] = [
                    "resolution": $0.resolution, "layers": $0.layers, "flops": $0.flops, "seconds": $0.seconds,
                ]
                return point
            },
        ]
        let data = try JSONSerialization.data(
            withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self)
    }

    private func text(_ points: [ScalingPoint]) -> String {
        var lines = ["resolution  layers      GFLOP    seconds    GFLOP/s"]
        for point in points {
            lines.append(
                String(
                    format: "%10d  %6d  %9.1f  %9.3f  %9.1f", point.resolution, point.layers,
                    Double(point.flops) / 1e9, point.seconds, Double(point.flops) / 1e9 / point.seconds))
        }
        lines.append(
            String(
                format: "from a point to the next larger one, seconds a FLOP grow by %.3f at most",
                ScalingPoint.worstStep(points)))
        return lines.joined(separator: "\n")
    }
}
