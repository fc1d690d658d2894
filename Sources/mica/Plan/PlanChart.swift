import Foundation
import ServiceAPI
import TensorCore

/// Memory over the stages of a job as a bar each: weights, activations, and on the host's processors what the process
/// holds besides, under the line of the budget. SVG that stands alone, with colours of its own on light and on dark
/// pages.
struct PlanChart {
    private let manifest: PlanManifest
    private let ownBytes: Int
    private let card: String?

    private static let width = 720.0
    private static let height = 380.0
    private static let left = 84.0
    private static let right = 24.0
    private static let top = 64.0
    private static let bottom = 56.0
    private static let barShare = 0.62

    private struct Part: Sendable {
        let name: String
        let style: String
        let bytes: @Sendable (PlanManifest.Stage) -> Int
    }

    /// From the bottom up: what a device holds.
    private static let deviceParts = [
        Part(name: "weights on the device", style: "w") { min($0.heldWeightBytes, $0.peakTensorBytes) },
        Part(name: "activations and scratch", style: "a") {
            $0.peakTensorBytes - min($0.heldWeightBytes, $0.peakTensorBytes)
        },
    ]

    /// What comes on top where the device is the host: its memory is the same.
    private static let hostPart = Part(name: "mapped checkpoint, host", style: "m") {
        $0.peakProcessBytes - $0.peakTensorBytes
    }

    private var isOnHost: Bool { manifest.device.split(separator: ",").allSatisfy { $0.hasPrefix("cpu") } }

    private var parts: [Part] { Self.deviceParts + (isOnHost ? [Self.hostPart] : []) }

    /// - Parameters:
    ///   - ownBytes: what the process holds on the host, files of the model that are mapped not counted.
    ///   - card: the card whose speed the seconds are of; nil for the machine's own.
    init(_ manifest: PlanManifest, ownBytes: Int, card: String?) {
        self.manifest = manifest
        self.ownBytes = ownBytes
        self.card = card
    }

    /// The whole file.
    func svg() -> String {
        let scale = Scale(
            largest: max(manifest.stages.map(bytes).max() ?? 0, manifest.budgetBytes ?? 0),
            from: Self.height - Self.bottom, to: Self.top)
        let title =
            "\(manifest.layers) layers of \(manifest.width)x\(manifest.height), plan \(manifest.plan),"
            + " \(manifest.precision)" + (card.map { ", \($0)" } ?? "")
        var lines = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(Self.width)) \(Int(Self.height))" \
            font-family="system-ui, sans-serif" font-size="12" role="img">
            <title>Memory by stage: \(Self.escaped(title))</title>
            <style>
            .page { fill: #ffffff } text { fill: #1f2328 } .grid { stroke: #d0d7de }
            .w { fill: #0a6ebd } .a { fill: #d5730d } .m { fill: #aab4be } .b { stroke: #c4183c; stroke-dasharray: 6 4 }
            .bt { fill: #c4183c } .bl { stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round; paint-order: stroke }
            @media (prefers-color-scheme: dark) {
            .page { fill: #0d1117 } text { fill: #e6edf3 } .grid { stroke: #30363d }
            .w { fill: #4aa3f0 } .a { fill: #f0983c } .m { fill: #545d68 } .b { stroke: #ff6b81 } .bt { fill: #ff6b81 }
            .bl { stroke: #0d1117 }
            }
            </style>
            <rect class="page" width="100%" height="100%"/>
            <text x="\(Self.left)" y="22" font-size="14" font-weight="600">\(Self.escaped(title))</text>
            """
        ]
        lines += legend() + grid(scale)
        let slot = (Self.width - Self.left - Self.right) / Double(max(manifest.stages.count, 1))
        for (index, stage) in manifest.stages.enumerated() {
            lines += bar(stage, at: Self.left + slot * (Double(index) + 0.5), width: slot * Self.barShare, scale)
        }
        lines += budget(scale)
        // Over the line, which they may meet.
        for (index, stage) in manifest.stages.enumerated() {
            lines.append(height(stage, at: Self.left + slot * (Double(index) + 0.5), scale))
        }
        return (lines + ["</svg>\n"]).joined(separator: "\n")
    }

    /// What the whole bar of a stage stands for.
    private func bytes(_ stage: PlanManifest.Stage) -> Int { parts.reduce(0) { $0 + max($1.bytes(stage), 0) } }

    private func legend() -> [String] {
        let lines = parts.enumerated().flatMap { index, part in
            let x = Self.left + Double(index) * 190
            return [
                "<rect class=\"\(part.style)\" x=\"\(x)\" y=\"34\" width=\"12\" height=\"12\" rx=\"2\"/>",
                "<text x=\"\(x + 18)\" y=\"44\">\(part.name)</text>",
            ]
        }
        guard !isOnHost else { return lines }
        let host = "host: \(ByteCount(ownBytes)), \(ByteCount(manifest.mappedProcessBytes)) of files cached"
        let place = "x=\"\(Self.width - Self.right)\" y=\"44\" text-anchor=\"end\""
        return lines + ["<text \(place) opacity=\"0.75\">\(host)</text>"]
    }

    private func grid(_ scale: Scale) -> [String] {
        scale.ticks.flatMap { bytes in
            let y = Self.text(scale.position(bytes))
            return [
                "<path class=\"grid\" d=\"M\(Self.left) \(y)H\(Self.width - Self.right)\"/>",
                "<text x=\"\(Self.left - 8)\" y=\"\(y)\" dy=\"4\" text-anchor=\"end\">\(ByteCount(bytes))</text>",
            ]
        }
    }

    private func bar(_ stage: PlanManifest.Stage, at middle: Double, width: Double, _ scale: Scale) -> [String] {
        var lines: [String] = []
        var below = 0
        for part in parts {
            let bytes = max(part.bytes(stage), 0)
            let (low, high) = (scale.position(below), scale.position(below + bytes))
            lines.append(
                "<rect class=\"\(part.style)\" x=\"\(Self.text(middle - width / 2))\" y=\"\(Self.text(high))\""
                    + " width=\"\(Self.text(width))\" height=\"\(Self.text(low - high))\">"
                    + "<title>\(part.name): \(ByteCount(bytes))</title></rect>")
            below += bytes
        }
        let floor = Self.height - Self.bottom
        let x = Self.text(middle)
        // Seven names of stages stand beside each other.
        lines.append(
            "<text x=\"\(x)\" y=\"\(floor + 18)\" text-anchor=\"middle\" font-size=\"11\">\(stage.stage)</text>")
        lines.append(
            "<text x=\"\(x)\" y=\"\(floor + 34)\" text-anchor=\"middle\" opacity=\"0.75\">"
                + "\(PlanReport.seconds(stage.seconds))</text>")
        return lines
    }

    private func height(_ stage: PlanManifest.Stage, at middle: Double, _ scale: Scale) -> String {
        let bytes = bytes(stage)
        return "<text class=\"bl\" x=\"\(Self.text(middle))\" y=\"\(Self.text(scale.position(bytes) - 5))\""
            + " text-anchor=\"middle\">\(ByteCount(bytes))</text>"
    }

    private func budget(_ scale: Scale) -> [String] {
        guard let budget = manifest.budgetBytes else { return [] }
        let y = Self.text(scale.position(budget))
        return [
            "<path class=\"b\" d=\"M\(Self.left) \(y)H\(Self.width - Self.right)\" stroke-width=\"1.5\"/>",
            "<text class=\"bt\" x=\"\(Self.width - Self.right)\" y=\"\(y)\" dy=\"-5\" text-anchor=\"end\">"
                + "budget \(ByteCount(budget))</text>",
        ]
    }

    private static func text(_ value: Double) -> String { String(format: "%.1f", value) }

    private static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    }

    /// A linear axis from nothing, with ticks at round binary sizes.
    private struct Scale {
        private let largest: Double
        private let from: Double
        private let to: Double
        let ticks: [Int]

        init(largest: Int, from: Double, to: Double) {
            self.from = from
            self.to = to
            // A power of two that makes at most eight steps.
            var step = 1
            while largest / step >= 8 { step *= 2 }
            let top = (largest + step - 1) / step * step
            self.largest = Double(max(top, 1))
            ticks = Array(stride(from: 0, through: top, by: step))
        }

        func position(_ bytes: Int) -> Double { from + (to - from) * Double(bytes) / largest }
    }
}
