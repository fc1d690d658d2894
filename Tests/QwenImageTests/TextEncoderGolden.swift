import CPUBackend
import Foundation
import ImageCodecs
import TensorCore
import Testing
import Weights

@testable import QwenImage

/// One of the golden cases, as far as the text encoder takes part in it.
struct TextEncoderGolden {
    struct Captioned: Decodable {
        let inputIDs: [Int]
        let generated: [Int]
        let text: String
        let maxNewTokens: Int

        enum CodingKeys: String, CodingKey {
            case inputIDs = "input_ids"
            case generated
            case text
            case maxNewTokens = "max_new_tokens"
        }
    }

    struct Description: Decodable {
        let checkpoint: String
        let image: String
        let width: Int
        let height: Int
        let prompt: String?
        let negativePrompt: String?
        let caption: String?
        let captions: [String: Captioned]?

        enum CodingKeys: String, CodingKey {
            case checkpoint, image, width, height, prompt, caption, captions
            case negativePrompt = "negative_prompt"
        }
    }

    let name: String
    let description: Description
    let tensors: SafetensorsFile
    private let folder: URL

    init(_ name: String) throws {
        self.name = name
        folder = try Self.fixture("golden/cases/\(name)")
        description = try JSONDecoder().decode(
            Description.self, from: Data(contentsOf: folder.appendingPathComponent("golden.json")))
        tensors = try SafetensorsFile(file: folder.appendingPathComponent("golden.safetensors"))
    }

    static func fixture(_ path: String) throws -> URL {
        let url = Bundle.module.bundleURL.appendingPathComponent("Fixtures/\(path)")
        try #require(FileManager.default.fileExists(atPath: url.path), "the fixture \(path) is missing")
        return url
    }

    /// The text encoder of the case's checkpoint on the CPU.
    func textEncoder(plan: OffloadPlan = .resident) throws -> Qwen25VLTextEncoder {
        try Qwen25VLTextEncoder(
            modelFolder: Self.fixture("golden/checkpoints/\(description.checkpoint)"),
            offload: OffloadManager(CPUBackend(), plan: plan))
    }

    /// The picture as the pipeline resizes it before anything else.
    func resizedImage() throws -> PixelBuffer {
        let bytes = try Data(contentsOf: folder.appendingPathComponent(description.image))
        let picture = try ImageDecoder.decode([UInt8](bytes)).pixels
        return try Resampler.resize(
            picture, width: description.width, height: description.height, filter: .lanczos)
    }

    /// The golden tensor's values and shape.
    func golden(_ name: String) throws -> (values: [Float], shape: Shape) {
        let tensor = try tensors.tensor(named: name)
        return (try tensor.floats(), tensor.shape)
    }
}
