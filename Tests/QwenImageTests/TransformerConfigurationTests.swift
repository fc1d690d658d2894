import Foundation
import Testing

@testable import QwenImage

/// `transformer/config.json` as diffusers reads it: what it leaves out has the defaults of
/// `QwenImageTransformer2DModel.__init__`.
@Suite struct TransformerConfigurationTests {
    /// The published file's values, key by key.
    private static let published: [String: any Sendable] = [
        "patch_size": 2, "in_channels": 64, "out_channels": 16, "num_layers": 60, "attention_head_dim": 128,
        "num_attention_heads": 24, "joint_attention_dim": 3584, "guidance_embeds": false,
        "axes_dims_rope": [16, 56, 56], "zero_cond_t": false, "use_additional_t_cond": true, "use_layer3d_rope": true,
    ]

    private func read(_ keys: [String: any Sendable]) throws -> TransformerConfiguration {
        try JSONDecoder().decode(TransformerConfiguration.self, from: try JSONSerialization.data(withJSONObject: keys))
    }

    @Test(arguments: published.keys.sorted())
    func leftOut(key: String) throws {
        var keys = Self.published
        keys[key] = nil
        var expected = try read(Self.published)
        // The plain model's, which the layered one is told from.
        if key == "use_additional_t_cond" { expected.useAdditionalTCond = false }
        if key == "use_layer3d_rope" { expected.useLayer3DRope = false }
        let configuration = try read(keys)
        #expect(configuration == expected)
        try configuration.validate(file: "transformer/config.json")
    }

    /// Null means as many channels as come in, which the layers' latents have not.
    @Test func asManyChannelsAsComeIn() throws {
        var keys = Self.published
        keys["out_channels"] = .some(NSNull())
        let configuration = try read(keys)
        #expect(configuration.outChannels == 64)
        #expect(throws: PipelineError.self) { try configuration.validate(file: "transformer/config.json") }
    }
}
