import Weights

/// The sizes of the RGBA autoencoder, as `vae/config.json` has them.
///
/// Source: diffusers `models/autoencoders/autoencoder_kl_qwenimage.py`, `AutoencoderKLQwenImage.__init__`.
public struct AutoencoderConfiguration: Sendable, Equatable, Decodable {
    /// Named as in the file; the defaults are upstream's.
    public var baseDim = 96
    public var zDim = 16
    public var dimMult = [1, 2, 4, 4]
    public var numResBlocks = 2
    public var attnScales: [Double] = []
    /// Which downsamplers also have weights for time; with one frame they are never used.
    public var temperalDownsample = [false, true, true]
    public var inputChannels = 3
    /// The mean of each latent channel over pictures.
    public var latentsMean: [Float] = [
        -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715, 0.5517, -0.3632, -0.1922,
        -0.9497, 0.2503, -0.2921,
    ]
    /// The standard deviation of each latent channel over pictures.
    public var latentsStd: [Float] = [
        2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253,
        2.8251, 1.916,
    ]

    /// Pixels of one latent cell, by side.
    public var scaleFactor: Int { 1 << temperalDownsample.count }

    enum CodingKeys: String, CodingKey {
        case baseDim = "base_dim"
        case zDim = "z_dim"
        case dimMult = "dim_mult"
        case numResBlocks = "num_res_blocks"
        case attnScales = "attn_scales"
        case temperalDownsample = "temperal_downsample"
        case inputChannels = "input_channels"
        case latentsMean = "latents_mean"
        case latentsStd = "latents_std"
    }

    /// Upstream's defaults.
    public init() {}

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        baseDim = try values.decodeIfPresent(Int.self, forKey: .baseDim) ?? baseDim
        zDim = try values.decodeIfPresent(Int.self, forKey: .zDim) ?? zDim
        dimMult = try values.decodeIfPresent([Int].self, forKey: .dimMult) ?? dimMult
        numResBlocks = try values.decodeIfPresent(Int.self, forKey: .numResBlocks) ?? numResBlocks
        attnScales = try values.decodeIfPresent([Double].self, forKey: .attnScales) ?? attnScales
        temperalDownsample =
            try values.decodeIfPresent([Bool].self, forKey: .temperalDownsample) ?? temperalDownsample
        inputChannels = try values.decodeIfPresent(Int.self, forKey: .inputChannels) ?? inputChannels
        latentsMean = try values.decodeIfPresent([Float].self, forKey: .latentsMean) ?? latentsMean
        latentsStd = try values.decodeIfPresent([Float].self, forKey: .latentsStd) ?? latentsStd
    }

    private static let largestWidth = 1 << 14
    private static let mostLevels = 6
    private static let mostBlocks = 16

    /// Throws `vaeChannels` for a VAE without alpha, `model` for anything else that the engine cannot run.
    public func validate(file: String) throws(PipelineError) {
        guard inputChannels == 4 else { throw .vaeChannels(found: inputChannels) }
        func require(_ condition: Bool, _ problem: String) throws(PipelineError) {
            if !condition { throw .model(file: file, problem: problem) }
        }
        try require((1...Self.largestWidth).contains(baseDim), "base_dim is \(baseDim)")
        try require((1...Self.largestWidth).contains(zDim), "z_dim is \(zDim)")
        try require(
            (2...Self.mostLevels).contains(dimMult.count) && dimMult.allSatisfy { (1...64).contains($0) }
                && baseDim * (dimMult.max() ?? 1) <= Self.largestWidth, "dim_mult is \(dimMult)")
        try require((1...Self.mostBlocks).contains(numResBlocks), "num_res_blocks is \(numResBlocks)")
        try require(
            attnScales.isEmpty, "attn_scales is \(attnScales): attention outside of the middle is not supported")
        try require(
            temperalDownsample.count == dimMult.count - 1,
            "temperal_downsample has \(temperalDownsample.count) entries, but dim_mult asks for \(dimMult.count - 1)")
        try require(
            latentsMean.count == zDim && latentsStd.count == zDim,
            "latents_mean and latents_std must have \(zDim) entries")
        try require(
            latentsStd.allSatisfy { $0 > 0 && $0.isFinite } && latentsMean.allSatisfy(\.isFinite),
            "latents_std must be positive, latents_mean finite")
    }
}
