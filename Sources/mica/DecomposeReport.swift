import Foundation
import ImageCodecs
import QwenImage
import ServiceAPI
import TensorCore

/// What `mica decompose` tells when it is done.
struct DecomposeReport {
    let result: LayeredResult
    let files: [String]
    /// Wall seconds of encoding the files, and of everything after the model was opened.
    let encodeSeconds: Double
    let totalSeconds: Double

    /// For a person: the files, then what was done.
    func text() -> String {
        var lines = files
        let parameters = result.parameters
        if let caption = result.caption { lines.append("caption: \(caption)") }
        let count = result.pictures.first?.layers.count ?? 0
        lines.append(
            "\(Quantity.text(count, "layer")) of \(result.width)x\(result.height),"
                + " \(Quantity.text(parameters.numInferenceSteps, "step")), seed \(parameters.seed)")
        if let reused = result.reusedPasses {
            let passes = parameters.numInferenceSteps * parameters.numImagesPerPrompt * (parameters.doTrueCFG ? 2 : 1)
            lines.append("\(reused) of \(passes) passes through the transformer reused an earlier one's blocks")
        }
        var stages = result.stageSeconds.map { "\($0.stage.rawValue) \(Self.rounded($0.seconds))" }
        stages.append("fit \(Self.rounded(result.fitSeconds))")
        lines.append(
            "\(Self.rounded(totalSeconds)) s (\(stages.joined(separator: ", "))),"
                + " at most \(ByteCount(result.peakTensorBytes)) of tensors and weights (\(result.memory.plan))")
        return lines.joined(separator: "\n")
    }

    /// For a machine: the result's description as the service gives it, with the files and the process's own figures.
    func json() throws -> String {
        let manifest = ResultEncoder(result).manifest()
        var object = try JSONSerialization.jsonObject(with: Data(manifest)) as? [String: Any] ?? [:]
        var seconds = object["seconds"] as? [String: Any] ?? [:]
        seconds["encode_files"] = encodeSeconds
        seconds["total"] = totalSeconds
        object["seconds"] = seconds
        object["files"] = files
        object["peak_tensor_bytes"] = result.peakTensorBytes
        object["peak_resident_bytes"] = ProcessMemory.peakResidentBytes
        object["memory"] = MemoryReport.object(result.memory)
        let data = try JSONSerialization.data(
            withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self)
    }

    private static func rounded(_ seconds: Double) -> String { String(format: "%.2f", seconds) }
}
