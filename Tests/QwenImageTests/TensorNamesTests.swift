import Foundation
import Synchronization
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

/// A checkpoint that has every tensor in whatever shape is asked for, and notes what was.
final class AskedTensors: TensorSource {
    let location = "full-size model"
    private let notes = Mutex<[String: [Int]]>([:])
    private let tail: String?

    /// - Parameter spelling: names `contains` answers yes for start with this; nil answers yes to all.
    init(spelling: String? = nil) {
        tail = spelling
    }

    var names: [String] { asked.keys.sorted() }

    var asked: [String: [Int]] { notes.withLock { $0 } }

    func contains(_ name: String) -> Bool {
        tail.map { name.hasPrefix($0) } ?? true
    }

    func tensor(named name: String) throws(WeightsError) -> HostTensor {
        Issue.record("\(name) was asked for without a shape")
        return HostTensor(memory: EndlessZeros(), byteOffset: 0, shape: [1], dtype: .float32)
    }

    func tensor(named name: String, shape: Shape) throws(WeightsError) -> HostTensor {
        notes.withLock { $0[name] = shape.dimensions }
        return HostTensor(memory: EndlessZeros(), byteOffset: 0, shape: shape, dtype: .bfloat16)
    }
}

/// Memory of a size that no one looks into.
private final class EndlessZeros: HostMemory {
    let byteCount = Int.max / 4

    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        preconditionFailure("a backend without data looked at a weight")
    }
}
