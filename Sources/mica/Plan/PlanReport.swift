import Foundation
import QwenImage
import ServiceAPI
import TensorCore

/// What `mica plan` tells.
struct PlanReport {
    let plan: PlanForecast
    private let manifest: PlanManifest
    private let threads: Int
    /// Whose figures stand for a GPU's; nil without one.
    private let card: PublishedGPU?
    /// The name of the GPU that it stands for, if it is another.
    private let unknownModel: String?
    /// A line on where the rates come from, if there is more to say than the manifest does.
    private let ratesOrigin: String?
    /// What the process holds with the model open and no job; nil if the kernel does not say.
    private let idleBytes: Int?

    init(
        _ plan: PlanForecast, _ manifest: PlanManifest, threads: Int, card: PublishedGPU?, unknownModel: String?,
        ratesOrigin: String?, idleBytes: Int?
    ) {
        self.idleBytes = idleBytes
        self.unknownModel = unknownModel
        self.ratesOrigin = ratesOrigin
        self.plan = plan
        self.manifest = manifest
        self.threads = threads
        self.card = card
    }

    /// For a person: a line on the job, a table of its stages, and the plans.
    func text() -> String {
        let images = manifest.numImagesPerPrompt > 1 ? ", \(manifest.numImagesPerPrompt) results" : ""
        var lines = [
            "\(manifest.model): \(Quantity.text(manifest.layers, "layer")) of \(manifest.width)x\(manifest.height),"
                + " \(Quantity.text(manifest.numInferenceSteps, "step"))\(images); \(manifest.device),"
                + " \(manifest.precision), \(Quantity.text(threads, "thread"))",
            "",
        ]
        lines += table()
        lines += ["", verdict()]
        lines += manifest.plans.compactMap { candidate in
            candidate.reason.map { "  not \(Self.name(candidate.plan, candidate.vaeTiles)): \($0)" }
        }
        if let ratesOrigin { lines.append(ratesOrigin) }
        return lines.joined(separator: "\n")
    }

    /// For a machine.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(manifest), as: UTF8.self)
    }

    /// Memory over the stages, as SVG.
    func chart() -> String { PlanChart(manifest, ownBytes: ownBytes, card: card?.title).svg() }

    private func verdict() -> String {
        let within = manifest.budgetBytes.map { " within \(ByteCount($0))" } ?? ""
        guard manifest.fits else {
            if let limit = manifest.hostBudgetBytes, let least = manifest.smallestHostBytes {
                return "does not fit on the host within \(ByteCount(limit)): the least is"
                    + " \(ByteCount(roundedUp: least)), with \(Self.name(manifest.plan, manifest.vaeTiles))"
            }
            return "does not fit\(within): the least is \(ByteCount(roundedUp: manifest.smallestBytes)), with"
                + " \(Self.name(manifest.plan, manifest.vaeTiles))"
        }
        return "fits\(within), \(Self.name(manifest.plan, manifest.vaeTiles)): device"
            + " \(ByteCount(manifest.peakTensorBytes)), \(process),"
            + " \(Self.seconds(manifest.seconds)) (rates \(manifest.rates)\(origin))"
    }

    /// Whose figures the rates are.
    private var origin: String {
        let unknown = unknownModel.map { ", as none are known of \($0)" } ?? ""
        return card.map { " of an \($0.title)\(unknown)" } ?? ""
    }

    /// What the process holds, and what of the model's files stays in memory only as long as nobody else wants it.
    private var process: String {
        let mapped = manifest.mappedProcessBytes
        let files = mapped > 0 ? " and \(ByteCount(mapped)) of the model's files in the page cache" : ""
        let idle = idleBytes.map { " besides \(ByteCount($0)) without a job" } ?? ""
        return "process \(ByteCount(ownBytes))\(files)\(idle)"
    }

    /// What the process holds of its own.
    private var ownBytes: Int {
        (plan.chosen ?? plan.smallest)?.forecast?.hostPeak.bytes
            ?? manifest.peakProcessBytes - manifest.mappedProcessBytes
    }

    private func table() -> [String] {
        var rows = [["stage", "peak", "weights", "read", "each time", "times", "GFLOP", "time", "bound by"]]
        rows += manifest.stages.map { stage in
            [
                stage.stage, "\(ByteCount(stage.peakTensorBytes))",
                "\(ByteCount(stage.heldWeightBytes + stage.sharedWeightBytes))",
                "\(ByteCount(stage.readBytes))", "\(ByteCount(stage.readBytesARepetition))",
                "\(stage.repetitions)", Self.number(stage.flops / 1e9), Self.seconds(stage.seconds), stage.limit,
            ]
        }
        rows.append(
            [
                "in all", "\(ByteCount(manifest.peakTensorBytes))", "",
                "\(ByteCount(manifest.stages.reduce(0) { $0 + $1.readBytes }))", "", "",
                Self.number(manifest.flops / 1e9), Self.seconds(manifest.seconds), "",
            ])
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { column, cell in
                let gap = String(repeating: " ", count: widths[column] - cell.count)
                // Words stand to the left, numbers to the right.
                return column == 0 || column == row.count - 1 ? cell + gap : gap + cell
            }.joined(separator: "  ").trimmingCharacters(in: .whitespaces)
        }
    }

    private static func name(_ plan: String, _ vaeTiles: Bool) -> String {
        "plan '\(plan)'" + (vaeTiles ? ", the autoencoder in tiles" : "")
    }

    private static func number(_ value: Double) -> String {
        String(format: value < 100 ? "%.1f" : "%.0f", value)
    }

    /// `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`.
    static func seconds(_ value: Double) -> String {
        guard value >= 10 else { return String(format: "%.2f s", value) }
        guard value >= 120 else { return String(format: "%.0f s", value) }
        let whole = Int(value.rounded())
        guard whole >= 7200 else { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
}
