import TensorCore

extension TransformerConfiguration {
    /// Every linear layer of the transformer, by the name that the checkpoint has for it, with the shape of its weight,
    /// [outFeatures, inFeatures]: what a LoRA may change.
    package var linearLayers: [String: Shape] {
        var layers = outerLayers
        for block in 0..<numLayers {
            for (name, shape) in blockLayers { layers["transformer_blocks.\(block).\(name)"] = shape }
        }
        return layers
    }

    private var outerLayers: [String: Shape] {
        let dim = innerDim
        let embedder = "time_text_embed.timestep_embedder"
        return [
            "img_in": [dim, inChannels], "txt_in": [dim, jointAttentionDim], "proj_out": [outputDim, dim],
            "norm_out.linear": [2 * dim, dim], "\(embedder).linear_1": [dim, TimestepEmbedding.channels],
            "\(embedder).linear_2": [dim, dim],
        ]
    }

    private var blockLayers: [String: Shape] {
        let dim = innerDim
        let attention = ["to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj", "to_out.0", "to_add_out"]
        var layers = Dictionary(uniqueKeysWithValues: attention.map { ("attn.\($0)", [dim, dim] as Shape) })
        for stream in ["img", "txt"] {
            layers["\(stream)_mlp.net.0.proj"] = [mlpDim, dim]
            layers["\(stream)_mlp.net.2"] = [dim, mlpDim]
            layers["\(stream)_mod.1"] = [6 * dim, dim]
        }
        return layers
    }
}
