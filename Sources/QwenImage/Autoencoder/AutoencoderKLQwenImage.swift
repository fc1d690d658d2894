import TensorCore
import Weights

/// The RGBA autoencoder: one picture, 8 pixels a latent cell and side.
///
/// Encoder and decoder are loaded when first used, since a job needs them at its two ends; latents are channels last
/// inside and normalised by channel with the checkpoint's mean and deviation outside.
/// Source: diffusers `models/autoencoders/autoencoder_kl_qwenimage.py`,
/// `AutoencoderKLQwenImage`; the pipeline's `_encode_vae_image`.
public final class AutoencoderKLQwenImage {
    /// Its sizes.
    public let configuration: AutoencoderConfiguration
    private let weights: WeightScope
    private let backend: any Backend
    private var encoder: AutoencoderEncoder?
    private var decoder: AutoencoderDecoder?

    /// Opens the autoencoder over a checkpoint; nothing is loaded yet.
    public init(configuration: AutoencoderConfiguration, source: any TensorSource, backend: any Backend) {
        self.configuration = configuration
        self.backend = backend
        weights = WeightScope(source: source, backend: backend)
    }

    /// Encodes a picture [H, W, 4] float32, -1...1, to its normalised
    /// latent [H/8, W/8, zDim]: the mode of the distribution.
    ///
    /// - Parameters:
    ///   - tiling: takes a picture larger than a tile in tiles; nil takes it whole.
    ///   - cancellation: checked between layers.
    public func encode(
        _ picture: Tensor, tiling: AutoencoderTiling? = nil, cancellation: Cancellation? = nil,
        observer: (any TensorObserver)? = nil
    ) throws(WeightsError) -> Tensor {
        let encoder = try loadedEncoder()
        do throws(TensorError) {
            if let observer {
                try observer.record("vae.encode.input", try backend.permute(picture, [2, 0, 1]).oneFrame)
            }
            let moments = try self.moments(of: picture, encoder, tiling, cancellation, observer)
            let channelsFirst = try backend.permute(moments, [2, 0, 1])
            let mode = channelsFirst.rows(0..<configuration.zDim)
            try observer?.record("vae.encode.mode", mode.oneFrame)
            let latent = try backend.permute(mode, [1, 2, 0])
            let deviation = configuration.latentsStd
            let scale = try backend.upload(deviation.map { 1 / $0 }, [deviation.count])
            let shift = try backend.upload(
                zip(configuration.latentsMean, deviation).map { -$0 / $1 }, [deviation.count])
            return try backend.channelAffine(latent, scale: scale, shift: shift)
        } catch {
            throw .tensor(error)
        }
    }

    /// Decodes one normalised latent [h, w, zDim] to a picture [8h, 8w, 4] float32, to be clamped to -1...1.
    ///
    /// - Parameters:
    ///   - tiling: takes a picture larger than a tile in tiles; nil takes it whole.
    ///   - cancellation: checked between layers.
    public func decode(
        _ latent: Tensor, tiling: AutoencoderTiling? = nil, cancellation: Cancellation? = nil,
        observer: (any TensorObserver)? = nil
    ) throws(WeightsError) -> Tensor {
        let decoder = try loadedDecoder()
        do throws(TensorError) {
            let count = configuration.zDim
            let scaled = try backend.channelAffine(
                latent, scale: try backend.upload(configuration.latentsStd, [count]),
                shift: try backend.upload(configuration.latentsMean, [count]))
            if let observer {
                try observer.record("vae.decode.input", try backend.permute(scaled, [2, 0, 1]).oneFrame)
            }
            func decodePart(_ part: Tensor) throws(TensorError) -> Tensor {
                try decoder(part, on: backend) { () throws(TensorError) in try Self.check(cancellation) }
            }
            let cell = configuration.scaleFactor
            guard let tiling, tiling.applies(width: latent.shape[1] * cell, height: latent.shape[0] * cell) else {
                return try decodePart(scaled)
            }
            return try tiling.run(scaled, cell: cell, resultCell: 1, on: backend, decodePart)
        } catch {
            throw .tensor(error)
        }
    }

    /// [H, W, 4] to [H/8, W/8, 2 * zDim].
    private func moments(
        of picture: Tensor, _ encoder: AutoencoderEncoder, _ tiling: AutoencoderTiling?,
        _ cancellation: Cancellation?, _ observer: (any TensorObserver)?
    ) throws(TensorError) -> Tensor {
        let backend = self.backend
        func encodePart(_ part: Tensor, _ observer: (any TensorObserver)?) throws(TensorError) -> Tensor {
            try encoder(part, on: backend, observer: observer) { () throws(TensorError) in try Self.check(cancellation)
            }
        }
        guard let tiling, tiling.applies(width: picture.shape[1], height: picture.shape[0]) else {
            return try encodePart(picture, observer)
        }
        return try tiling.run(picture, cell: 1, resultCell: configuration.scaleFactor, on: backend) {
            (part) throws(TensorError) in try encodePart(part, nil)
        }
    }

    private static func check(_ cancellation: Cancellation?) throws(TensorError) {
        if cancellation?.isCancelled == true { throw .cancelled }
    }

    /// Loads both halves now, so that a broken checkpoint shows before a job starts.
    public func load() throws(WeightsError) {
        _ = try loadedEncoder()
        _ = try loadedDecoder()
    }

    /// Drops the weights that are held on the device.
    public func release() {
        encoder = nil
        decoder = nil
    }

    private func loadedEncoder() throws(WeightsError) -> AutoencoderEncoder {
        if let encoder { return encoder }
        let loaded = try AutoencoderEncoder(weights, configuration)
        // What is left are pages around convolutions and of vectors, which were all copied.
        weights.source.giveBackPages(after: backend)
        encoder = loaded
        return loaded
    }

    private func loadedDecoder() throws(WeightsError) -> AutoencoderDecoder {
        if let decoder { return decoder }
        let loaded = try AutoencoderDecoder(weights, configuration)
        weights.source.giveBackPages(after: backend)
        decoder = loaded
        return loaded
    }
}
