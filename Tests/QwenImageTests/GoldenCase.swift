import Foundation
import ImageCodecs
import TensorCore
import Weights

import QwenImage
import Testing

/// One decomposition that the reference computed; made by `tools/make_goldens.py`.
struct GoldenCase: Sendable, CustomTestStringConvertible {
    let folder: URL
    let meta: Meta

    struct Meta: Decodable, Sendable {
        let name: String
        let checkpoint: String
        let image: String
        let latents: String?
        let seed: UInt64?
        let layers: Int
        let steps: Int
        let resolution: Int
        let num_images_per_prompt: Int
        let true_cfg_scale: Double
        let cfg_normalize: Bool
        let prompt: String?
        let negative_prompt: String?
        let use_en_prompt: Bool
        let width: Int
        let height: Int
        let caption: String?
        let loras: [AppliedLoRA]?
        let first_block_cache: Double?
        let reused_passes: Int?
    }

    /// A LoRA of the case, by its file's name.
    struct AppliedLoRA: Decodable, Sendable {
        let file: String
        let weight: Double
    }

    static let root = Bundle.module.resourceURL!.appendingPathComponent("Fixtures/golden")

    /// All cases of the model as it is, by name.
    static let all = cases(in: "cases")
    /// Those with LoRAs, made by `tools/make_lora_goldens.py`.
    static let adapted = cases(in: "loras")
    /// Those with a first block cache, made by `tools/make_cache_goldens.py`.
    static let cached = cases(in: "caches")

    private static func cases(in folder: String) -> [GoldenCase] {
        let cases = root.appendingPathComponent(folder)
        let names = try! FileManager.default.contentsOfDirectory(atPath: cases.path).sorted()
        return names.map { try! GoldenCase(folder: cases.appendingPathComponent($0)) }
    }

    init(folder: URL) throws {
        self.folder = folder
        meta = try JSONDecoder().decode(
            Meta.self, from: Data(contentsOf: folder.appendingPathComponent("golden.json")))
    }

    var testDescription: String { meta.name }

    var checkpoint: URL { Self.root.appendingPathComponent("checkpoints/\(meta.checkpoint)") }

    /// The checkpoint with the case's LoRAs.
    func model() throws -> ModelFolder {
        var components = ModelComponents()
        components.loras = (meta.loras ?? []).map {
            LoRA(file: folder.appendingPathComponent($0.file), weight: $0.weight)
        }
        return try ModelFolder(checkpoint, components: components)
    }

    var parameters: DecompositionParameters {
        DecompositionParameters(
            prompt: meta.prompt, negativePrompt: meta.negative_prompt, trueCFGScale: meta.true_cfg_scale,
            layers: meta.layers, numInferenceSteps: meta.steps, resolution: meta.resolution,
            cfgNormalize: meta.cfg_normalize, useEnPrompt: meta.use_en_prompt,
            numImagesPerPrompt: meta.num_images_per_prompt, seed: meta.seed ?? 0, generator: .cpu, dtype: .float32,
            maxSequenceLength: 512, firstBlockCache: meta.first_block_cache)
    }

    func picture() throws -> PixelBuffer {
        try pixels(meta.image)
    }

    func pixels(_ name: String) throws -> PixelBuffer {
        try Self.pixels(folder.appendingPathComponent(name))
    }

    static func pixels(_ file: URL) throws -> PixelBuffer {
        let bytes = try [UInt8](Data(contentsOf: file))
        var options = DecodeOptions()
        options.appliesColorProfile = false
        return try ImageDecoder.decode(bytes, options: options).pixels
    }

    func latents() throws -> [Float]? {
        guard let name = meta.latents else { return nil }
        return try SafetensorsFile(file: folder.appendingPathComponent(name)).tensor(named: "latents").floats()
    }

    /// The reference's layers, bottom first, in the order of the files.
    func expectedLayers() throws -> [PixelBuffer] {
        try (0..<meta.layers * meta.num_images_per_prompt).map { try pixels("layer_\($0).png") }
    }

    /// The reference's tensors.
    func golden() throws -> SafetensorsFile {
        try SafetensorsFile(file: folder.appendingPathComponent("golden.safetensors"))
    }
}
