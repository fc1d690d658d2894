import TensorCore

/// How latents of several frames lie in memory: as frames, and packed as tokens of 2x2 cells.
///
/// Source: diffusers `pipeline_qwenimage_layered.py`, `_pack_latents`, `_unpack_latents`.
package struct LatentGeometry: Sendable, Equatable {
    /// Channels of a latent cell.
    package let channels: Int
    /// Tokens of a frame by side; a token is 2x2 cells.
    package let tokenHeight: Int
    package let tokenWidth: Int

    /// A frame of `tokenHeight` by `tokenWidth` tokens.
    package init(channels: Int, tokenHeight: Int, tokenWidth: Int) {
        self.channels = channels
        self.tokenHeight = tokenHeight
        self.tokenWidth = tokenWidth
    }

    /// Values of a token.
    package var tokenChannels: Int { channels * 4 }
    /// Tokens of a frame.
    package var frameTokens: Int { tokenHeight * tokenWidth }

    /// Frames of noise [frames, channels, h, w] to tokens [frames * frameTokens, channels * 4].
    package func pack(frames: Tensor, on backend: any Backend) throws(TensorError) -> Tensor {
        let count = frames.shape[0]
        let cells = frames.reshaped([count, channels, tokenHeight, 2, tokenWidth * 2])
        // Six axes at most: a frame at a time keeps the permutation small.
        let result = try backend.empty([count * frameTokens, tokenChannels])
        for frame in 0..<count {
            let one = cells.row(frame).reshaped([channels, tokenHeight, 2, tokenWidth, 2])
            let tokens = try backend.permute(one, [1, 3, 0, 2, 4])
            try backend.copy(tokens, into: result.rows((frame * frameTokens)..<((frame + 1) * frameTokens)))
        }
        return result
    }

    /// One latent, channels last, [h, w, channels], to tokens [frameTokens, channels * 4].
    package func pack(latent: Tensor, on backend: any Backend) throws(TensorError) -> Tensor {
        let cells = latent.reshaped([tokenHeight, 2, tokenWidth, 2, channels])
        return try backend.permute(cells, [0, 2, 4, 1, 3]).reshaped([frameTokens, tokenChannels])
    }

    /// The tokens of one frame [frameTokens, channels * 4] to a latent, channels last, [h, w, channels].
    package func unpack(_ tokens: Tensor, on backend: any Backend) throws(TensorError) -> Tensor {
        let cells = tokens.reshaped([tokenHeight, tokenWidth, channels, 2, 2])
        return try backend.permute(cells, [0, 3, 1, 4, 2]).reshaped([2 * tokenHeight, 2 * tokenWidth, channels])
    }
}
