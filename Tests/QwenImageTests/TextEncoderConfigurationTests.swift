import Foundation
import Testing
import Weights

@testable import QwenImage

/// The configuration files of the text encoder and the processor: both forms, and what is refused.
@Suite struct TextEncoderConfigurationTests {
    static func configuration(_ json: String) throws -> Qwen25VLConfiguration {
        let stored = try JSONDecoder().decode(StoredQwen25VLConfiguration.self, from: Data(json.utf8))
        return try Qwen25VLConfiguration(stored, file: "text_encoder/config.json")
    }

    @Test func readsThePublishedConfiguration() throws {
        let configuration = try Qwen25VLConfiguration(
            folder: TextEncoderGolden.fixture("tensors/full/text_encoder"))
        #expect(configuration.text.hiddenSize == 3584)
        #expect(configuration.text.numHiddenLayers == 28)
        #expect(configuration.text.numKeyValueHeads == 4)
        #expect(configuration.text.headSize == 128)
        #expect(configuration.text.mropeSection == [16, 24, 24])
        #expect(configuration.text.ropeTheta == 1_000_000)
        #expect(configuration.vision.depth == 32)
        #expect(configuration.vision.headSize == 80)
        #expect(configuration.vision.fullAttentionBlockIndexes == [7, 15, 23, 31])
        #expect(configuration.vision.ropeTheta == 10_000)
        #expect(configuration.imageTokenID == 151_655)
        #expect(configuration.tieWordEmbeddings == false)
        let generation = try GenerationConfiguration(
            folder: TextEncoderGolden.fixture("tensors/full/text_encoder"), model: configuration)
        #expect(generation.eosTokenIDs == [151_645, 151_643])
        #expect(generation.repetitionPenalty == 1.05)
    }

    /// The same small model: everything at the top, and nested with `rope_parameters`.
    static let vision = """
        "vision_config": {"depth": 2, "hidden_size": 32, "intermediate_size": 74, "num_heads": 2, "out_hidden_size": 64,
        "fullatt_block_indexes": [1]}
        """
    static let sizes = """
        "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 640, "rms_norm_eps": 1e-5
        """

    @Test func readsBothForms() throws {
        let flat = try Self.configuration(
            """
            {"model_type": "qwen2_5_vl", "image_token_id": 600, "eos_token_id": [582, 580], "rope_theta": 5e5,
             "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}, \(Self.sizes), \(Self.vision)}
            """)
        let nested = try Self.configuration(
            """
            {"model_type": "qwen2_5_vl", "image_token_id": 600, "eos_token_id": [582, 580], \(Self.vision),
             "text_config": {\(Self.sizes), "layer_types": ["full_attention"],
             "rope_parameters": {"rope_type": "default", "rope_theta": 500000, "mrope_section": [2, 3, 3]}}}
            """)
        #expect(flat == nested)
        #expect(flat.text.ropeTheta == 500_000)
        #expect(flat.text.rmsNormEps == 1e-5)
        #expect(flat.eosTokenIDs == [582, 580])
    }

    @Test(
        arguments: [
            ("\"hidden_size\": 64", "\"hidden_size\": 0", "hidden_size is 0"),
            ("\"hidden_size\": 64", "\"hidden_size\": -64", "hidden_size is -64"),
            ("\"hidden_size\": 64", "\"hidden_size\": 66", "num_attention_heads 4"),
            ("\"hidden_size\": 64", "\"hidden_size\": 9223372036854775807", "hidden_size is 9223372036854775807"),
            ("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3", "num_key_value_heads 3"),
            ("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 100000", "num_hidden_layers is 100000"),
            ("\"hidden_size\": 64", "\"x\": 1", "'hidden_size' is missing"),
            ("\"num_hidden_layers\": 3", "\"x\": 1", "'num_hidden_layers' is missing"),
            ("\"vocab_size\": 640", "\"vocab_size\": 100", "image_token_id is 600"),
            ("[2, 3, 3]", "[2, 3, 4]", "mrope_section"),
            ("[2, 3, 3]", "[9223372036854775807, 1, 2]", "mrope_section"),
            ("[2, 3, 3]", "[-2, 5, 5]", "mrope_section"),
            ("\"mrope\"", "\"yarn\"", "rope_type"),
            ("qwen2_5_vl", "llama", "model_type"),
            ("\"out_hidden_size\": 64", "\"out_hidden_size\": 96", "out_hidden_size is 96"),
            ("\"num_heads\": 2", "\"num_heads\": 5", "num_heads 5"),
            ("\"num_heads\": 2", "\"num_heads\": 2, \"window_size\": 20", "window_size 20"),
            ("\"num_heads\": 2", "\"num_heads\": 2, \"hidden_act\": \"gelu\"", "hidden_act"),
            ("\"rms_norm_eps\": 1e-5", "\"rms_norm_eps\": 5", "rms_norm_eps"),
            ("\"rms_norm_eps\": 1e-5", "\"use_sliding_window\": true, \"max_window_layers\": 1", "sliding"),
        ])
    func refusesWhatCannotBe(original: String, replacement: String, problem: String) throws {
        let good = """
            {"model_type": "qwen2_5_vl", "image_token_id": 600, "rope_theta": 1e6,
             "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}, \(Self.sizes), \(Self.vision)}
            """
        _ = try Self.configuration(good)
        let bad = good.replacingOccurrences(of: original, with: replacement)
        #expect(bad != good)
        do {
            _ = try Self.configuration(bad)
            Issue.record("accepted")
        } catch let error as PipelineError {
            #expect(error.description.hasPrefix("text_encoder/config.json: "))
            #expect(error.description.contains(problem), "\(error)")
        }
    }

    /// The published file, a key left out, against what transformers 5.23 then makes of it
    /// (`Qwen2_5_VLConfig.from_dict`).
    @Test(
        arguments: [
            "model_type", "vocab_size", "hidden_act", "rope_theta", "rope_scaling", "tie_word_embeddings",
            "use_sliding_window", "max_window_layers", "sliding_window", "eos_token_id", "image_token_id",
            "vision_config.depth", "vision_config.hidden_act", "vision_config.intermediate_size",
            "vision_config.num_heads", "vision_config.in_chans", "vision_config.out_hidden_size",
            "vision_config.patch_size", "vision_config.spatial_merge_size", "vision_config.window_size",
            "vision_config.fullatt_block_indexes", "vision_config.temporal_patch_size",
        ])
    func hasTheReferencesDefaults(left out: String) throws {
        #expect(try Self.configuration(Self.published(without: out)) == Self.configuration(Self.published(without: "")))
    }

    @Test func hasTheReferencesDefaultsThatAreNotThePublishedValues() throws {
        #expect(try Self.configuration(Self.published(without: "rms_norm_eps")).text.rmsNormEps == 1e-5)
        #expect(throws: PipelineError.self) {
            // 28 heads cannot share the 8 that the reference then has either.
            try Self.configuration(Self.published(without: "num_key_value_heads"))
        }
    }

    /// The published sizes without the key, in the flat form.
    private static func published(without key: String) throws -> String {
        var keys: [String: Any] = [
            "model_type": "qwen2_5_vl", "vocab_size": 152_064, "hidden_size": 3584, "intermediate_size": 18_944,
            "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4, "rms_norm_eps": 1e-6,
            "hidden_act": "silu", "rope_theta": 1e6, "tie_word_embeddings": false, "use_sliding_window": false,
            "rope_scaling": ["type": "mrope", "mrope_section": [16, 24, 24]] as [String: Any],
            "max_window_layers": 28, "sliding_window": 32_768, "eos_token_id": 151_645, "image_token_id": 151_655,
        ]
        var vision: [String: Any] = [
            "depth": 32, "hidden_act": "silu", "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16,
            "in_chans": 3, "out_hidden_size": 3584, "patch_size": 14, "spatial_merge_size": 2, "window_size": 112,
            "fullatt_block_indexes": [7, 15, 23, 31], "temporal_patch_size": 2,
        ]
        let path = key.split(separator: ".").map(String.init)
        if path.count == 2 { vision[path[1]] = nil } else { keys[key] = nil }
        keys["vision_config"] = vision
        return String(decoding: try JSONSerialization.data(withJSONObject: keys), as: UTF8.self)
    }

    @Test func readsBothProcessors() throws {
        let newer = try ImagePreprocessorConfiguration(
            folder: TextEncoderGolden.fixture("golden/checkpoints/tiny/processor"))
        let older = try ImagePreprocessorConfiguration(
            folder: TextEncoderGolden.fixture("golden/checkpoints/small/processor"))
        #expect(newer == older)
        #expect(newer.maxPixels == 12_845_056)
        #expect(newer.minPixels == 3136)
    }

    static func generation(_ json: String) throws -> GenerationConfiguration {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        if !json.isEmpty {
            try Data(json.utf8).write(to: folder.appendingPathComponent("generation_config.json"))
        }
        let model = try configuration(
            "{\"image_token_id\": 1, \"eos_token_id\": 7, \(sizes), \(vision), "
                + "\"rope_scaling\": {\"mrope_section\": [2, 3, 3]}}")
        return try GenerationConfiguration(folder: folder, model: model)
    }

    @Test func readsGenerationConfigurations() throws {
        #expect(try Self.generation("") == GenerationConfiguration(eosTokenIDs: [7], repetitionPenalty: 1))
        // A file that names no end has none, as in transformers, and only without a file it is the model's.
        for text in ["{}", "{\"eos_token_id\": null}", "{\"eos_token_id\": []}"] {
            #expect(try Self.generation(text) == GenerationConfiguration(eosTokenIDs: [], repetitionPenalty: 1))
        }
        #expect(
            try Self.generation("{\"eos_token_id\": [3, 4], \"repetition_penalty\": 1.5, \"top_k\": 50}")
                == GenerationConfiguration(eosTokenIDs: [3, 4], repetitionPenalty: 1.5))
        let neutral = "{\"suppress_tokens\": [], \"bad_words_ids\": null, \"encoder_repetition_penalty\": 1}"
        #expect(try Self.generation(neutral) == GenerationConfiguration(eosTokenIDs: [], repetitionPenalty: 1))
        for refused in [
            "{\"num_beams\": 4}", "{\"repetition_penalty\": 0}", "{\"no_repeat_ngram_size\": 2}",
            "{\"min_new_tokens\": 5}", "{\"eos_token_id\": \"x\"}", "[]", "{",
            "{\"suppress_tokens\": [5]}", "{\"encoder_repetition_penalty\": 1.2}", "{\"forced_eos_token_id\": 3}",
        ] {
            #expect(throws: PipelineError.self) { try Self.generation(refused) }
        }
    }
}
