import Foundation
import Synchronization
import TensorCore
import Testing
import Weights

@testable import QwenImage

/// What the engine asks of a full-size Qwen2.5-VL-7B, against the names and shapes of the published checkpoint.
@Suite struct TextEncoderTensorNamesTests {
    @Test(arguments: ["text_encoder", "text_encoder_newer"])
    func asksForTheTensorsOfTheFullModel(spelling: String) throws {
        let expected = try JSONDecoder().decode(
            [String: [Int]].self,
            from: Data(contentsOf: TextEncoderGolden.fixture("tensors/\(spelling).json")))
        let source = AskedTensors(names: Set(expected.keys))
        let folder = try TextEncoderGolden.fixture("tensors/full/text_encoder")
        let tokenizer = try Tokenizer(folder: TextEncoderGolden.fixture("golden/checkpoints/tiny/tokenizer"))
        let encoder = Qwen25VLTextEncoder(
            modelFolder: folder, configuration: try Qwen25VLConfiguration(folder: folder), tokenizer: tokenizer,
            source: source, backend: Meter(), residency: .sequential)
        try encoder.checkTensors(captioner: true)
        #expect(expected.count > 700)
        #expect(source.asked.withLock { $0.count } == expected.count)
        #expect(source.asked.withLock { $0.mapValues(\.dimensions) } == expected)
    }

    @Test func leavesTheCaptionersTensorsAloneUnlessNeeded() throws {
        let source = AskedTensors(names: [])
        let folder = try TextEncoderGolden.fixture("tensors/full/text_encoder")
        let tokenizer = try Tokenizer(folder: TextEncoderGolden.fixture("golden/checkpoints/tiny/tokenizer"))
        let encoder = Qwen25VLTextEncoder(
            modelFolder: folder, configuration: try Qwen25VLConfiguration(folder: folder), tokenizer: tokenizer,
            source: source, backend: Meter(), residency: .sequential)
        try encoder.checkTensors(captioner: false)
        let names = source.asked.withLock { Array($0.keys) }
        #expect(names.allSatisfy { $0.hasPrefix("model.") && !$0.contains("visual") })
    }
}

/// Has a tensor of any name and shape, with no bytes behind it, and keeps what it was asked for.
private final class AskedTensors: TensorSource {
    let location = "asked"
    let names: [String]
    let asked = Mutex<[String: Shape]>([:])
    private let known: Set<String>

    init(names: Set<String>) {
        self.names = names.sorted()
        known = names
    }

    func contains(_ name: String) -> Bool { known.contains(name) }

    func tensor(named name: String) throws(WeightsError) -> HostTensor {
        throw .tensorMissing(tensor: name, file: location)
    }

    func tensor(named name: String, shape: Shape) throws(WeightsError) -> HostTensor {
        asked.withLock { $0[name] = shape }
        return HostTensor(memory: NoMemory(), byteOffset: 0, shape: shape, dtype: .bfloat16)
    }

    private final class NoMemory: HostMemory {
        let byteCount = Int.max

        func withUnsafeBytes<Result, Failure: Error>(
            _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            try body(UnsafeRawBufferPointer(start: nil, count: 0))
        }
    }
}
