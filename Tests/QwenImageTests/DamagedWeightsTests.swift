import CPUBackend
import CUDABackend
import Foundation
import ImageCodecs
import TensorCore
import Testing

@testable import QwenImage

/// Weights that hold NaN, which no file format forbids: the job says so and does not end with layers that hold nothing.
@Suite struct DamagedWeightsTests {
    struct Damage: Sendable, CustomTestStringConvertible {
        /// In the model's folder.
        let file: String
        let tensor: String
        let prompt: String?
        let expected: String

        var testDescription: String { "\(tensor), \(prompt ?? "a caption")" }
    }

    /// A device and what it multiplies in.
    struct Device: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let make: @Sendable () throws -> any Backend
    }

    static let devices =
        ([.float32, .bfloat16, .int8] as [ComputePrecision]).map { precision in
            Device(testDescription: "cpu, \(precision)") { CPUBackend(threads: 2, compute: precision) }
        }
        + (GoldenDevice.absence.isEmpty ? CUDABackend.Precision.allCases : []).map { precision in
            Device(testDescription: "cuda, \(precision)") {
                var options = CUDABackend.Options()
                options.precision = precision
                return try CUDABackend(GoldenDevice.libraries.get(), options: options)
            }
        }

    static let damages = [
        Damage(
            file: "transformer/diffusion_pytorch_model.safetensors", tensor: "proj_out.bias", prompt: "a",
            expected: "the first step of the transformer"),
        Damage(
            file: "vae/diffusion_pytorch_model.safetensors", tensor: "encoder.conv_out.bias", prompt: "a",
            expected: "the autoencoder"),
        Damage(
            file: "vae/diffusion_pytorch_model.safetensors", tensor: "decoder.conv_out.bias", prompt: "a",
            expected: "the autoencoder"),
        Damage(
            file: "text_encoder/model.safetensors", tensor: "model.layers.0.input_layernorm.weight", prompt: "a",
            expected: "the text encoder"),
        Damage(
            file: "text_encoder/model.safetensors", tensor: "model.layers.0.input_layernorm.weight", prompt: nil,
            expected: "the captioner"),
    ]

    @Test(arguments: damages, devices)
    func areNamed(_ damage: Damage, _ device: Device) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mica-\(UUID().uuidString)")
        try FileManager.default.copyItem(
            at: GoldenCase.root.appendingPathComponent("checkpoints/tiny"), to: folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        try spoil(damage.tensor, in: folder.appendingPathComponent(damage.file))
        let pipeline = try LayeredPipeline(model: folder, backend: device.make())
        var options = DecompositionOptions()
        (options.prompt, options.resolution, options.numInferenceSteps, options.layers) = (damage.prompt, 64, 2, 1)
        let parameters = try options.resolved(with: pipeline.model.defaults)
        let picture = try PixelBuffer(width: 64, height: 64, bytes: [UInt8](repeating: 200, count: 64 * 64 * 4))
        let error = #expect(throws: PipelineError.self) { try pipeline.decompose(picture, parameters: parameters) }
        let message = error?.description ?? ""
        #expect(message.contains(damage.expected) && message.contains("no numbers"), "\(message)")
    }

    /// Makes the first value of a tensor in float32 NaN.
    private func spoil(_ tensor: String, in file: URL) throws {
        var bytes = try Data(contentsOf: file)
        let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = try #require(
            try JSONSerialization.jsonObject(with: bytes[8..<(8 + length)]) as? [String: Any])
        let entry = try #require(header[tensor] as? [String: Any])
        let start = try #require((entry["data_offsets"] as? [Int])?.first)
        try #require(entry["dtype"] as? String == "F32")
        bytes.replaceSubrange((8 + length + start)..<(8 + length + start + 4), with: [0, 0, 0xC0, 0x7F])
        try bytes.write(to: file)
    }
}
