import TensorCore
import Weights

// The building blocks of the autoencoder over one picture, channels last: [H, W, C] float32.
//
// The checkpoint's convolutions are causal in time with two frames of zeros in front; over a single frame only the last
// time slice of each kernel meets data, so each is a 2-D convolution with that slice.
// Source: diffusers `models/autoencoders/autoencoder_kl_qwenimage.py`.

/// Norm, SiLU, convolution, twice, and a shortcut.
struct AutoencoderResidualBlock: Sendable {
    private let norm1: Tensor
    private let conv1: Convolution
    private let norm2: Tensor
    private let conv2: Convolution
    private let shortcut: Convolution?

    init(_ weights: WeightScope, inDim: Int, outDim: Int) throws(WeightsError) {
        norm1 = try weights["norm1"].gamma(inDim)
        conv1 = try weights["conv1"].causalConvolution(inDim, outDim)
        norm2 = try weights["norm2"].gamma(outDim)
        conv2 = try weights["conv2"].causalConvolution(outDim, outDim)
        shortcut =
            inDim == outDim
            ? nil
            : try weights["conv_shortcut"].convolution(
                inChannels: inDim, outChannels: outDim, kernel: 1, temporalKernel: 1)
    }

    /// Writes its result over the input where the sizes allow it: two pictures are there at once, not three.
    func callAsFunction(_ input: Tensor, on backend: any Backend) throws(TensorError) -> Tensor {
        let hidden = try backend.normConvolution(input, gamma: norm1, conv1)
        let identity: Tensor
        if let shortcut {
            identity = try backend.convolution(input, shortcut, .same(kernel: 1))
        } else {
            identity = input
        }
        return try backend.normConvolution(hidden, gamma: norm2, conv2, addend: identity, into: identity)
    }
}

/// One head over all pixels of the smallest picture.
struct AutoencoderAttentionBlock: Sendable {
    private let norm: Tensor
    private let qkv: [Linear]
    private let projection: Linear
    private let dim: Int
    /// Queries of one operation: all of them up to 1024 x 1024 pixels, a quarter of the minute that 2048 x 2048 take.
    private static let queryRows = 16_384

    init(_ weights: WeightScope, dim: Int) throws(WeightsError) {
        self.dim = dim
        norm = try weights["norm"].vector("gamma", shape: [dim, 1, 1])
        let fused = try weights["to_qkv"].linear(
            inFeatures: dim, outFeatures: 3 * dim, storedShape: [3 * dim, dim, 1, 1])
        qkv = (0..<3).map { part in
            let rows = (part * dim)..<((part + 1) * dim)
            return Linear(weight: fused.weight.rows(rows), bias: fused.bias?.rows(rows))
        }
        projection = try weights["proj"].linear(inFeatures: dim, outFeatures: dim, storedShape: [dim, dim, 1, 1])
    }

    /// `check` is called between runs of queries and may throw to stop.
    func callAsFunction(
        _ input: Tensor, on backend: any Backend, check: () throws(TensorError) -> Void
    ) throws(TensorError) -> Tensor {
        let pixels = input.reshaped([input.shape[0] * input.shape[1], dim])
        let normed = try backend.channelNorm(pixels, gamma: norm)
        let query = try backend.linear(normed, qkv[0])
        let key = try backend.linear(normed, qkv[1])
        let value = try backend.linear(normed, qkv[2])
        let layout = AttentionLayout(heads: 1, headSize: dim)
        let count = pixels.shape[0]
        for start in stride(from: 0, to: count, by: Self.queryRows) {
            try check()
            let rows = start..<min(start + Self.queryRows, count)
            try backend.attention(query.rows(rows), key, value, layout, into: normed.rows(rows))
        }
        let output = try backend.linear(normed, projection, into: query)
        try backend.accumulate(output, pixels)
        return output.reshaped(input.shape)
    }
}

/// Residual block, attention, residual block, at the smallest size.
struct AutoencoderMidBlock: Sendable {
    private let first: AutoencoderResidualBlock
    private let attention: AutoencoderAttentionBlock
    private let last: AutoencoderResidualBlock

    init(_ weights: WeightScope, dim: Int) throws(WeightsError) {
        first = try AutoencoderResidualBlock(weights["resnets"][0], inDim: dim, outDim: dim)
        attention = try AutoencoderAttentionBlock(weights["attentions"][0], dim: dim)
        last = try AutoencoderResidualBlock(weights["resnets"][1], inDim: dim, outDim: dim)
    }

    /// `check` is called between layers and may throw to stop.
    func callAsFunction(
        _ input: Tensor, on backend: any Backend, check: () throws(TensorError) -> Void
    ) throws(TensorError) -> Tensor {
        try check()
        var hidden = try first(input, on: backend)
        hidden = try attention(hidden, on: backend, check: check)
        try check()
        return try last(hidden, on: backend)
    }
}

extension WeightScope {
    /// A 3x3x3 causal convolution, of which the last time slice is used.
    func causalConvolution(_ inChannels: Int, _ outChannels: Int) throws(WeightsError) -> Convolution {
        try convolution(inChannels: inChannels, outChannels: outChannels, kernel: 3, temporalKernel: 3)
    }

    /// The weight of a norm over channels, stored as [C, 1, 1, 1].
    func gamma(_ channels: Int) throws(WeightsError) -> Tensor {
        try vector("gamma", shape: [channels, 1, 1, 1])
    }

    /// Checks that the resampler's time convolution is there with the
    /// right shape; one frame never meets it, so it is not loaded.
    func checkTimeConvolution(_ inChannels: Int, _ outChannels: Int) throws(WeightsError) {
        _ = try tensor("weight", shape: [outChannels, inChannels, 3, 1, 1])
        _ = try tensor("bias", shape: [outChannels])
    }
}
