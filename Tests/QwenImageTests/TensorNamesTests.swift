import Foundation
import TensorCore
import Testing
import Weights

@testable import QwenImage

/// The names and shapes that the engine asks of a full-size model, against the published checkpoint's own list.
@Suite struct TensorNamesTests {
    static let folder = Bundle.module.resourceURL!.appendingPathComponent("Fixtures/tensors")

    static func expected(_ name: String) throws -> [String: [Int]] {
        try JSONDecoder().decode(
            [String: [Int]].self, from: Data(contentsOf: folder.appendingPathComponent("\(name).json")))
    }

    static func configuration<T: Decodable>(_ type: T.Type, _ component: String) throws -> T {
        let file = folder.appendingPathComponent("full/\(component)/config.json")
        return try JSONDecoder().decode(type, from: Data(contentsOf: file))
    }

    @Test func transformer() throws {
        let configuration = try Self.configuration(TransformerConfiguration.self, "transformer")
        try configuration.validate(file: "transformer/config.json")
        let source = AskedTensors()
        let model = try QwenImageTransformer2DModel(
            configuration: configuration, source: source, backend: Meter())
        try model.loadAll()
        let expected = try Self.expected("transformer")
        #expect(expected.count == 1934)
        #expect(source.asked == expected)
    }

    @Test func autoencoder() throws {
        let configuration = try Self.configuration(AutoencoderConfiguration.self, "vae")
        try configuration.validate(file: "vae/config.json")
        let source = AskedTensors()
        try AutoencoderKLQwenImage(configuration: configuration, source: source, backend: Meter()).load()
        let expected = try Self.expected("vae")
        #expect(expected.count == 194)
        #expect(source.asked == expected)
    }
}
