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
            source: source, offload: OffloadManager(Meter(), plan: .disk))
        try encoder.checkTensors(captioner: true)
        #expect(expected.count > 700)
        #expect(source.asked.count == expected.count)
        #expect(source.asked == expected)
    }

    /// A small text encoder without data, with so many tokens.
    private func smallEncoder(
        _ source: AskedTensors, vocabSize: Int = 640, tied: Bool = false
    ) throws -> Qwen25VLTextEncoder {
        let configuration = try TextEncoderConfigurationTests.configuration(
            """
            {"image_token_id": 1, "tie_word_embeddings": \(tied), "vocab_size": \(vocabSize), "hidden_size": 64,
             "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
             "rope_scaling": {"mrope_section": [2, 3, 3]}, \(TextEncoderConfigurationTests.vision)}
            """)
        return Qwen25VLTextEncoder(
            modelFolder: try TextEncoderGolden.fixture("golden/checkpoints/tiny"), configuration: configuration,
            tokenizer: try Tokenizer(folder: TextEncoderGolden.fixture("golden/checkpoints/tiny/tokenizer")),
            source: source, offload: OffloadManager(Meter(), plan: .disk))
    }

    @Test func asksForNoHeadIfTheEmbeddingIsIt() throws {
        let source = AskedTensors(names: [])
        try smallEncoder(source, tied: true).checkTensors(captioner: true)
        #expect(source.asked["lm_head.weight"] == nil)
        #expect(source.asked["model.embed_tokens.weight"] == [640, 64])
    }

    /// As transformers 5 has it: two matrices that are both stored are not tied, whatever the configuration says.
    @Test func takesAHeadThatIsThereThoughTied() throws {
        let source = AskedTensors(names: ["lm_head.weight"])
        try smallEncoder(source, tied: true).checkTensors(captioner: true)
        #expect(source.asked["lm_head.weight"] == [640, 64])
    }

    /// A tokenizer with more tokens than the embedding table has rows must not read beyond it.
    @Test func refusesATokenizerThatDoesNotFit() throws {
        _ = try smallEncoder(AskedTensors(names: [])).encode("A poster", maxSequenceLength: 512)
        let error = #expect(throws: PipelineError.self) {
            try smallEncoder(AskedTensors(names: []), vocabSize: 300).encode("A poster", maxSequenceLength: 512)
        }
        #expect(error?.description.contains("vocabulary ends at 299") == true)
    }

    @Test func leavesTheCaptionersTensorsAloneUnlessNeeded() throws {
        let source = AskedTensors(names: [])
        try smallEncoder(source).checkTensors(captioner: false)
        let names = Array(source.asked.keys)
        #expect(names.allSatisfy { $0.hasPrefix("model.") && !$0.contains("visual") })
    }
}
