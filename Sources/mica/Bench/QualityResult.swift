import CPUBackend
import Foundation

/// What one form of the weights did to a decomposition.
struct QualityResult {
    let form: QualityForm
    let compute: ComputePrecision
    /// By layer, and over all of them, in dB.
    let ratios: [Double]
    let ratio: Double
    let stages: [(stage: String, relative: Double)]
    let matrices: QuantizationErrors?

    /// A table of forms, and one of stages with a column a form.
    static func text(_ results: [QualityResult]) -> String {
        let hasMatrices = results.contains { $0.matrices != nil }
        var titles = ["form", "products", "PSNR, dB", "worst layer"]
        if hasMatrices { titles.append("weights, relative L2") }
        let rows = results.map { result -> [String] in
            var row = [result.form.name, result.compute.rawValue]
            row += [decibels(result.ratio), decibels(result.ratios.min() ?? 0)]
            if hasMatrices { row.append(String(format: "%.5f", result.matrices?.all.relative ?? 0)) }
            return row
        }
        var stages = [["stage"] + results.map(\.form.name)]
        for (index, stage) in (results.first?.stages ?? []).enumerated() {
            stages.append([stage.stage] + results.map { String(format: "%.2e", $0.stages[index].relative) })
        }
        return TextTable.text([titles] + rows) + "\n\nRelative L2 error\n" + TextTable.text(stages, leftColumns: 1)
    }

    /// All of it for a program; a ratio of equal pictures is null.
    static func json(_ results: [QualityResult], model: String) throws -> String {
        let objects = results.map { result -> [String: Any] in
            var object: [String: Any] = [
                "form": result.form.name, "compute": result.compute.rawValue, "psnr_db": finite(result.ratio),
                "layer_psnr_db": result.ratios.map(finite),
                "stages": result.stages.map { ["name": $0.stage, "relative_l2": $0.relative] },
            ]
            if let matrices = result.matrices {
                object["matrices"] = matrices.layers.map { ["name": $0.name, "relative_l2": $0.error.relative] }
            }
            return object
        }
        let data = try JSONSerialization.data(
            withJSONObject: ["bench": "quality", "model": model, "results": objects],
            options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self)
    }

    private static func decibels(_ ratio: Double) -> String { ratio.isFinite ? String(format: "%.1f", ratio) : "equal" }

    private static func finite(_ ratio: Double) -> Any { ratio.isFinite ? ratio : NSNull() }
}
