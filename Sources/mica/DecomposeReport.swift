import Foundation
import QwenImage
import TensorCore

/// What `mica decompose` tells when it is done.
struct DecomposeReport {
    let result: Decomposition
    let model: URL
    let files: [String]
    let encodeSeconds: Double
    let totalSeconds: Double

    func text() -> String {
        var lines = files
        let parameters = result.parameters
        if let caption = result.caption { lines.append("caption: \(caption)") }
        lines.append(
            "\(parameters.layers) layers of \(result.width)x\(result.height), \(parameters.numInferenceSteps) steps, seed \(parameters.seed)")
        lines.append(
            String(format: "%.2f s (", totalSeconds)
                + result.stageSeconds.map { "\($0.stage.rawValue) " + String(format: "%.2f", $0.seconds) }
                .joined(separator: ", ") + "), tensors at most \(ByteCount(result.peakTensorBytes))")
        return lines.joined(separator: "\n")
    }

    func json() throws -> String {
        let parameters = result.parameters
        var seconds: [String: Double] = ["encode_files": encodeSeconds, "total": totalSeconds]
        for (stage, value) in result.stageSeconds { seconds[stage.rawValue] = value }
        var object: [String: Any] = [
            "files": files, "model": model.lastPathComponent, "width": result.width, "height": result.height,
            "seconds": seconds, "peak_tensor_bytes": result.peakTensorBytes, "layers": parameters.layers,
            "num_inference_steps": parameters.numInferenceSteps, "resolution": parameters.resolution,
            "true_cfg_scale": parameters.trueCFGScale, "cfg_normalize": parameters.cfgNormalize,
            "use_en_prompt": parameters.useEnPrompt, "num_images_per_prompt": parameters.numImagesPerPrompt,
            "seed": parameters.seed, "generator": parameters.generator.rawValue, "dtype": parameters.dtype.rawValue,
            "max_sequence_length": parameters.maxSequenceLength, "prompt": parameters.prompt ?? "",
        ]
        object["negative_prompt"] = parameters.negativePrompt
        object["caption"] = result.caption
        let data = try JSONSerialization.data(
            withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self)
    }
}
