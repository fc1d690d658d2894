import ArgumentParser
import CPUBackend
import Foundation
import HostLimits
import TensorCore
import Weights

/// `mica bench linear`: one linear layer in every form in which its weight can be held.
struct BenchLinear: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "linear", abstract: "One linear layer, its weight in every stored form.")

    @Option(help: "Features of the input.")
    var inFeatures = 3072

    @Option(help: "Features of the output.")
    var outFeatures = 3072

    @Option(parsing: .upToNextOption, help: "Rows of the input.")
    var rows = [1, 64, 1088]

    @Option(help: "Threads to compute with; if not given, as many as there are processors for this process.")
    var threads: Int?

    @Option(help: ArgumentHelp("Measured runs.", valueName: "n"))
    var repetitions = 7

    @Flag(help: "Print one JSON object.")
    var json = false

    /// A weight's form and what is computed with it.
    private struct Variant {
        /// What the file has.
        let stored: DType
        /// What the backend holds; nil for what the file has.
        let form: WeightForm?
        let name: String
        let compute: ComputePrecision

        var isRotated: Bool { form?.isRotated ?? false }

        init(_ weights: BenchDType, isRotated: Bool = false, _ compute: ComputePrecision) {
            stored = weights.weights
            form = WeightForm(weights.precision, isRotated: isRotated)
            name = weights.rawValue
            self.compute = compute
        }

        /// As a GGUF file has it.
        init(_ blocks: DType, _ compute: ComputePrecision) {
            stored = blocks
            form = nil
            name = blocks.rawValue
            self.compute = compute
        }
    }

    private static let variants: [Variant] =
        BenchDType.allCases.flatMap { weights in
            [ComputePrecision.float32, .bfloat16].map { Variant(weights, $0) }
        } + [false, true].map { Variant(.int8, isRotated: $0, .int8) }
        + DType.blockTypes.flatMap { blocks in [ComputePrecision.float32, .bfloat16].map { Variant(blocks, $0) } }

    func validate() throws {
        try OptionRange.check("--in-features", inFeatures, 1...262_144)
        try OptionRange.check("--out-features", outFeatures, 1...262_144)
        try OptionRange.check("--threads", threads ?? 1, 1...1024)
        try OptionRange.check("--repetitions", repetitions, 1...10_000)
        for count in rows { try OptionRange.check("--rows", count, 1...1_000_000) }
    }

    func run() throws {
        try CommandFailure.reporting(measure)
    }

    private func measure() throws {
        var lines: [[String]] = [["weight", "products", "bytes"] + rows.map { "\($0) rows, ms" }]
        var objects: [[String: Any]] = []
        for variant in Self.variants where fits(variant) {
            let (bytes, medians) = try medians(variant)
            lines.append(
                [variant.name + (variant.isRotated ? " rotated" : ""), variant.compute.rawValue, "\(ByteCount(bytes))"]
                    + medians.map { String(format: "%.3f", $0 * 1000) })
            objects += zip(rows, medians).map { rows, seconds in
                [
                    "weight": variant.name, "hadamard": variant.isRotated,
                    "compute": variant.compute.rawValue, "rows": rows, "median_seconds": seconds, "weight_bytes": bytes,
                    "gflops_per_second": 2 * Double(rows * inFeatures * outFeatures) / seconds / 1e9,
                ]
            }
        }
        if json {
            let object: [String: Any] = [
                "bench": "linear", "in_features": inFeatures, "out_features": outFeatures,
                "threads": threads ?? ProcessorCount.available, "results": objects,
            ]
            let data = try JSONSerialization.data(withJSONObject: object, options: [.prettyPrinted, .sortedKeys])
            try StandardOutput.print(String(decoding: data, as: UTF8.self))
        } else {
            try StandardOutput.print(TextTable.text(lines))
        }
    }

    /// True if rows of the weight are whole blocks.
    private func fits(_ variant: Variant) -> Bool { inFeatures.isMultiple(of: variant.stored.block?.elements ?? 1) }

    /// The stored bytes, and the median seconds for each number of rows.
    private func medians(_ variant: Variant) throws -> (bytes: Int, medians: [Double]) {
        let backend = CPUBackend(threads: threads, compute: variant.compute)
        let source = SyntheticSource(dtype: variant.stored, isFilled: true)
        let weight = try backend.blockWeight(
            source.tensor(named: "weight", shape: [outFeatures, inFeatures]), as: variant.form)
        let layer = Linear(
            weight: weight, bias: try backend.upload([Float](repeating: 0, count: outFeatures), [outFeatures]))
        let medians = try rows.map { count in
            let input = try SyntheticValues.tensor([count, inFeatures], on: backend)
            let output = try backend.empty([count, outFeatures])
            // A product of few rows is over before the clock has ticked often.
            let calls = max(1, 64 / count)
            return try BenchTimes(warmup: 1, repetitions: repetitions) {
                for _ in 0..<calls { try backend.linear(input, layer, into: output) }
            }.median / Double(calls)
        }
        return (backend.stored(weight).storedByteCount, medians)
    }
}

/// Columns of text, the first ones left, numbers right.
enum TextTable {
    /// Lines of cells, the first line their titles.
    static func text(_ lines: [[String]], leftColumns: Int = 2) -> String {
        let widths = (lines.first ?? []).indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            line.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - line[column].count)
                return column < leftColumns ? line[column] + padding : padding + line[column]
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
