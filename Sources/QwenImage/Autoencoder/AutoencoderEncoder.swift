import TensorCore
import Weights

/// Picture to latent moments.
///
/// Source: diffusers `autoencoder_kl_qwenimage.py`, `QwenImageEncoder3d`, and `quant_conv` of the whole.
struct AutoencoderEncoder: Sendable {
    private enum Layer {
        case residual(AutoencoderResidualBlock)
        case downsample(Convolution)
    }

    private let convIn: Convolution
    private let downBlocks: [Layer]
    private let midBlock: AutoencoderMidBlock
    private let normOut: Tensor
    private let convOut: Convolution
    private let quantConv: Convolution

    /// - Parameter root: the root of the VAE's checkpoint.
    init(_ root: WeightScope, _ configuration: AutoencoderConfiguration) throws(WeightsError) {
        let weights = root["encoder"]
        let dims = ([1] + configuration.dimMult).map { $0 * configuration.baseDim }
        convIn = try weights["conv_in"].causalConvolution(configuration.inputChannels, dims[0])
        var layers: [Layer] = []
        for level in configuration.dimMult.indices {
            var inDim = dims[level]
            let outDim = dims[level + 1]
            for _ in 0..<configuration.numResBlocks {
                let scope = weights["down_blocks"][layers.count]
                layers.append(.residual(try AutoencoderResidualBlock(scope, inDim: inDim, outDim: outDim)))
                inDim = outDim
            }
            guard level < configuration.dimMult.count - 1 else { break }
            let scope = weights["down_blocks"][layers.count]
            if configuration.temperalDownsample[level] { try scope["time_conv"].checkTimeConvolution(outDim, outDim) }
            layers.append(
                .downsample(try scope["resample"][1].convolution(inChannels: outDim, outChannels: outDim, kernel: 3)))
        }
        downBlocks = layers
        let last = dims[dims.count - 1]
        midBlock = try AutoencoderMidBlock(weights["mid_block"], dim: last)
        normOut = try weights["norm_out"].gamma(last)
        let moments = 2 * configuration.zDim
        convOut = try weights["conv_out"].causalConvolution(last, moments)
        quantConv = try root["quant_conv"].convolution(
            inChannels: moments, outChannels: moments, kernel: 1, temporalKernel: 1)
    }

    /// [H, W, inputChannels], values -1...1, to [H/8, W/8, 2 * zDim]: means, then log variances. `check` is called
    /// between layers and may throw to stop.
    func callAsFunction(
        _ picture: Tensor, on backend: any Backend, observer: (any TensorObserver)?,
        check: () throws(TensorError) -> Void
    ) throws(TensorError) -> Tensor {
        try check()
        var hidden = try backend.convolution(picture, convIn, .same(kernel: 3))
        for layer in downBlocks {
            try check()
            switch layer {
            case .residual(let block): hidden = try block(hidden, on: backend)
            case .downsample(let convolution): hidden = try backend.convolution(hidden, convolution, .downsample)
            }
        }
        hidden = try midBlock(hidden, on: backend, check: check)
        try check()
        hidden = try backend.normConvolution(hidden, gamma: normOut, convOut)
        try observer?.record("vae.encoder.output", try backend.permute(hidden, [2, 0, 1]).oneFrame)
        return try backend.convolution(hidden, quantConv, .same(kernel: 1))
    }
}
