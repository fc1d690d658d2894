import TensorCore
import Weights

/// Latent to picture.
///
/// Source: diffusers `autoencoder_kl_qwenimage.py`, `QwenImageDecoder3d`, and `post_quant_conv` of the whole.
struct AutoencoderDecoder: Sendable {
    private struct UpBlock {
        let residuals: [AutoencoderResidualBlock]
        let upsampler: Convolution?
    }

    private let postQuantConv: Convolution
    private let convIn: Convolution
    private let midBlock: AutoencoderMidBlock
    private let upBlocks: [UpBlock]
    private let normOut: Tensor
    private let convOut: Convolution

    /// - Parameter root: the root of the VAE's checkpoint.
    init(_ root: WeightScope, _ configuration: AutoencoderConfiguration) throws(WeightsError) {
        let weights = root["decoder"]
        let zDim = configuration.zDim
        postQuantConv = try root["post_quant_conv"].convolution(
            inChannels: zDim, outChannels: zDim, kernel: 1, temporalKernel: 1)
        let reversed = Array(configuration.dimMult.reversed())
        let dims = ([reversed[0]] + reversed).map { $0 * configuration.baseDim }
        convIn = try weights["conv_in"].causalConvolution(zDim, dims[0])
        midBlock = try AutoencoderMidBlock(weights["mid_block"], dim: dims[0])
        // The time weights belong to the mirrored levels of the encoder.
        let temperalUpsample = Array(configuration.temperalDownsample.reversed())
        var blocks: [UpBlock] = []
        for level in reversed.indices {
            // Each upsampler halves the channels.
            var inDim = level == 0 ? dims[0] : dims[level] / 2
            let outDim = dims[level + 1]
            let scope = weights["up_blocks"][level]
            var residuals: [AutoencoderResidualBlock] = []
            for index in 0...configuration.numResBlocks {
                residuals.append(
                    try AutoencoderResidualBlock(scope["resnets"][index], inDim: inDim, outDim: outDim))
                inDim = outDim
            }
            var upsampler: Convolution?
            if level < reversed.count - 1 {
                let resample = scope["upsamplers"][0]
                if temperalUpsample[level] { try resample["time_conv"].checkTimeConvolution(outDim, 2 * outDim) }
                upsampler = try resample["resample"][1].convolution(
                    inChannels: outDim, outChannels: outDim / 2, kernel: 3)
            }
            blocks.append(UpBlock(residuals: residuals, upsampler: upsampler))
        }
        upBlocks = blocks
        normOut = try weights["norm_out"].gamma(dims[dims.count - 1])
        convOut = try weights["conv_out"].causalConvolution(dims[dims.count - 1], configuration.inputChannels)
    }

    /// [h, w, zDim] to [8h, 8w, inputChannels], not clamped. `check` is called between layers and may throw to stop.
    func callAsFunction(
        _ latent: Tensor, on backend: any Backend, check: () throws(TensorError) -> Void
    ) throws(TensorError) -> Tensor {
        var hidden = try backend.convolution(latent, postQuantConv, .same(kernel: 1))
        hidden = try backend.convolution(hidden, convIn, .same(kernel: 3))
        hidden = try midBlock(hidden, on: backend, check: check)
        for block in upBlocks {
            for residual in block.residuals {
                try check()
                hidden = try residual(hidden, on: backend)
            }
            if let upsampler = block.upsampler {
                try check()
                hidden = try backend.upsampledConvolution(hidden, upsampler)
            }
        }
        try check()
        return try backend.normConvolution(hidden, gamma: normOut, convOut)
    }
}
