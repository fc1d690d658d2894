import Foundation
import Testing

@testable import QwenImage

/// `vae/config.json` as diffusers reads it: what it leaves out has the defaults of `AutoencoderKLQwenImage.__init__`.
@Suite struct AutoencoderConfigurationTests {
    /// The published file's values, key by key.
    private static let published: [String: any Sendable] = [
        "base_dim": 96, "z_dim": 16, "dim_mult": [1, 2, 4, 4], "num_res_blocks": 2, "attn_scales": [Double](),
        "temperal_downsample": [false, true, true], "input_channels": 4,
        "latents_mean": [
            -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715, 0.5517, -0.3632,
            -0.1922, -0.9497, 0.2503, -0.2921,
        ],
        "latents_std": [
            2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652, 1.5579, 1.6382,
            1.1253, 2.8251, 1.916,
        ],
    ]

    private func read(_ keys: [String: any Sendable]) throws -> AutoencoderConfiguration {
        try JSONDecoder().decode(AutoencoderConfiguration.self, from: try JSONSerialization.data(withJSONObject: keys))
    }

    @Test(arguments: published.keys.filter { $0 != "input_channels" }.sorted())
    func leftOut(key: String) throws {
        var keys = Self.published
        keys[key] = nil
        let configuration = try read(keys)
        #expect(try configuration == read(Self.published))
        try configuration.validate(file: "vae/config.json")
    }

    @Test func withoutAlpha() throws {
        var keys = Self.published
        keys["input_channels"] = nil
        let configuration = try read(keys)
        let error = #expect(throws: PipelineError.self) { try configuration.validate(file: "vae/config.json") }
        guard case .vaeChannels(found: 3) = error else {
            Issue.record("\(String(describing: error)) is not about the channels")
            return
        }
    }

    @Test func statisticsOfAnotherWidth() throws {
        var keys = Self.published
        keys["z_dim"] = 8
        let configuration = try read(keys)
        #expect(throws: PipelineError.self) { try configuration.validate(file: "vae/config.json") }
    }
}
