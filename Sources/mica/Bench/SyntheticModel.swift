import QwenImage
import TensorCore

/// The sizes of a synthetic model, and its configuration files as the public layout has them.
struct SyntheticModel {
    /// How large.
    enum Size: String, CaseIterable {
        /// The published model: 20.4 billion parameters of the transformer, 7 of the text encoder.
        case full
        /// A few hundred million, for whole decompositions on a CPU.
        case mid
        /// A few hundred thousand, for tests.
        case tiny
    }

    let size: Size

    private struct Transformer {
        let heads: Int
        let headSize: Int
        let axes: [Int]
        let blocks: Int
    }

    private struct Text {
        let hidden: Int
        let layers: Int
        let heads: Int
        let keyHeads: Int
        let inner: Int
        let rope: [Int]
        let vocabulary: Int
    }

    private struct Vision {
        let hidden: Int
        let heads: Int
        let inner: Int
        let depth: Int
        let whole: [Int]
    }

    private var transformer: Transformer {
        switch size {
        case .full: Transformer(heads: 24, headSize: 128, axes: [16, 56, 56], blocks: 60)
        case .mid: Transformer(heads: 12, headSize: 128, axes: [16, 56, 56], blocks: 12)
        case .tiny: Transformer(heads: 2, headSize: 32, axes: [8, 12, 12], blocks: 6)
        }
    }

    private var text: Text {
        switch size {
        case .full:
            Text(
                hidden: 3584, layers: 28, heads: 28, keyHeads: 4, inner: 18_944, rope: [16, 24, 24],
                vocabulary: 152_064)
        case .mid:
            Text(hidden: 512, layers: 4, heads: 4, keyHeads: 2, inner: 1024, rope: [16, 24, 24], vocabulary: 512)
        case .tiny: Text(hidden: 64, layers: 2, heads: 4, keyHeads: 2, inner: 96, rope: [2, 3, 3], vocabulary: 512)
        }
    }

    private var vision: Vision {
        switch size {
        case .full: Vision(hidden: 1280, heads: 16, inner: 3420, depth: 32, whole: [7, 15, 23, 31])
        case .mid: Vision(hidden: 64, heads: 2, inner: 128, depth: 2, whole: [1])
        case .tiny: Vision(hidden: 32, heads: 2, inner: 64, depth: 2, whole: [1])
        }
    }

    /// Tokens that are no bytes, with the published model's numbers where its vocabulary is so large.
    var specialTokens: [(name: String, id: Int)] {
        let first = size == .full ? 151_643 : 256
        let names = [
            "endoftext", "im_start", "im_end", "object_ref_start", "object_ref_end", "box_start", "box_end",
            "quad_start", "quad_end", "vision_start", "vision_end", "vision_pad", "image_pad", "video_pad",
        ]
        return names.enumerated().map { ("<|\($1)|>", first + $0) }
    }

    private func id(_ name: String) -> Int { specialTokens.first { $0.name == "<|\(name)|>" }?.id ?? 0 }

    // MARK: Files

    /// The files of configuration by path, as JSON objects.
    var files: [(path: String, object: [String: Any])] {
        [
            ("model_index.json", index), ("transformer/config.json", transformerConfiguration),
            ("vae/config.json", autoencoderConfiguration), ("text_encoder/config.json", textConfiguration),
            ("text_encoder/generation_config.json", generationConfiguration),
            ("scheduler/scheduler_config.json", schedulerConfiguration),
            ("tokenizer/tokenizer.json", SyntheticTokenizer.object(special: specialTokens)),
            ("processor/preprocessor_config.json", processorConfiguration),
            (
                "mica.json",
                [
                    "prompt": "A synthetic model: its layers show nothing.", "resolution": 128,
                    // Weights that are holes predict nothing, and two norms that are 0 have no ratio.
                    "cfg_normalize": false,
                ]
            ),
        ]
    }

    private var index: [String: Any] {
        ["_class_name": "QwenImageLayeredPipeline", "_diffusers_version": "0.36.0.dev0"]
    }

    private var transformerConfiguration: [String: Any] {
        [
            "_class_name": "QwenImageTransformer2DModel", "attention_head_dim": transformer.headSize,
            "axes_dims_rope": transformer.axes, "guidance_embeds": false, "in_channels": 64,
            "joint_attention_dim": text.hidden, "num_attention_heads": transformer.heads,
            "num_layers": transformer.blocks, "out_channels": 16, "patch_size": 2, "use_additional_t_cond": true,
            "use_layer3d_rope": true, "zero_cond_t": false,
        ]
    }

    private var autoencoderConfiguration: [String: Any] {
        [
            "_class_name": "AutoencoderKLQwenImage", "attn_scales": [Double](), "base_dim": size == .tiny ? 8 : 96,
            "dim_mult": [1, 2, 4, 4], "dropout": 0.0, "input_channels": 4,
            "num_res_blocks": 2, "temperal_downsample": [false, true, true], "z_dim": 16,
        ]
    }

    private var textConfiguration: [String: Any] {
        let vision: [String: Any] = [
            "depth": vision.depth, "fullatt_block_indexes": vision.whole, "hidden_act": "silu",
            "hidden_size": vision.hidden, "in_channels": 3, "intermediate_size": vision.inner,
            "num_heads": vision.heads, "out_hidden_size": text.hidden, "patch_size": 14, "spatial_merge_size": 2,
            "spatial_patch_size": 14, "temporal_patch_size": 2, "tokens_per_second": 2, "window_size": 112,
        ]
        return [
            "model_type": "qwen2_5_vl", "eos_token_id": id("im_end"), "hidden_act": "silu",
            "hidden_size": text.hidden, "image_token_id": id("image_pad"), "intermediate_size": text.inner,
            "num_attention_heads": text.heads, "num_hidden_layers": text.layers, "num_key_value_heads": text.keyHeads,
            "rms_norm_eps": 1e-06, "rope_scaling": ["mrope_section": text.rope, "rope_type": "default"],
            "rope_theta": 1_000_000.0, "tie_word_embeddings": false, "use_sliding_window": false,
            "vocab_size": text.vocabulary, "vision_config": vision,
        ]
    }

    private var generationConfiguration: [String: Any] {
        // Zeros give every token the same score, and the first is taken: it ends the caption, which would have 512.
        [
            "do_sample": true, "eos_token_id": [id("im_end"), id("endoftext"), 0], "repetition_penalty": 1.05,
            "temperature": 0.1, "top_k": 1, "top_p": 0.001,
        ]
    }

    private var schedulerConfiguration: [String: Any] {
        [
            "_class_name": "FlowMatchEulerDiscreteScheduler", "base_image_seq_len": 256, "base_shift": 0.5,
            "invert_sigmas": false, "max_image_seq_len": 8192, "max_shift": 0.9, "num_train_timesteps": 1000,
            "shift": 1.0, "stochastic_sampling": false, "time_shift_type": "linear", "use_beta_sigmas": false,
            "use_dynamic_shifting": true, "use_exponential_sigmas": false, "use_karras_sigmas": false,
        ]
    }

    private var processorConfiguration: [String: Any] {
        [
            "do_convert_rgb": true, "do_normalize": true, "do_rescale": true, "do_resize": true,
            "image_processor_type": "Qwen2VLImageProcessor", "max_pixels": 12_845_056, "merge_size": 2,
            "min_pixels": 3136, "patch_size": 14, "resample": 3, "temporal_patch_size": 2,
        ]
    }
}
