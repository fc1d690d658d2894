import Foundation
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
        #expect(source.asked.count == expected.count)
        #expect(source.asked == expected)
    }

    @Test func leavesTheCaptionersTensorsAloneUnlessNeeded() throws {
        let source = AskedTensors(names: [])
        let folder = try TextEncoderGolden.fixture("tensors/full/text_encoder")
        let tokenizer = try Tokenizer(folder: TextEncoderGolden.fixture("golden/checkpoints/tiny/tokenizer"))
        let encoder = Qwen25VLTextEncoder(
            modelFolder: folder, configuration: try Qwen25VLConfiguration(folder: folder), tokenizer: tokenizer,
            source: source, backend: Meter(), residency: .sequential)
        try encoder.checkTensors(captioner: false)
        let names = Array(source.asked.keys)
        #expect(names.allSatisfy { $0.hasPrefix("model.") && !$0.contains("visual") })
    }
}
