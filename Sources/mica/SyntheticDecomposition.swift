import QwenImage
import TensorCore
import Weights

/// A decomposition with synthetic weights: everything between the prompt's embedding and the pixels.
///
/// Stands in for a job where no model is at hand; the text encoder, which is measured by itself, takes no part.
struct SyntheticDecomposition {
    /// What is decomposed, and by how large a model.
    struct Sizes {
        var blocks: Int
        /// A multiple of 128, the size of a head.
        var hidden: Int
        var base: Int
        /// Side of the square picture, a multiple of 16.
        var resolution: Int
        var layers: Int
        var steps: Int
        var textTokens = 64
    }

    private static let headSize = 128
    private static let textFeatures = 512
    private static let guidanceScale: Float = 4

    private let sizes: Sizes
    private let backend: any Backend
    private let geometry: LatentGeometry
    private let transformer: QwenImageTransformer2DModel
    private let autoencoder: AutoencoderKLQwenImage
    private let picture: Tensor
    private let prompts: [Tensor]
    private let noise: Tensor

    init(_ sizes: Sizes, backend: any Backend, source: SyntheticSource) throws {
        self.sizes = sizes
        self.backend = backend
        var configuration = TransformerConfiguration()
        configuration.numLayers = sizes.blocks
        configuration.attentionHeadDim = Self.headSize
        configuration.numAttentionHeads = sizes.hidden / Self.headSize
        configuration.jointAttentionDim = Self.textFeatures
        configuration.useAdditionalTCond = true
        configuration.useLayer3DRope = true
        transformer = try QwenImageTransformer2DModel(configuration: configuration, source: source, backend: backend)
        let vae = AutoencoderConfiguration.synthetic(baseDim: sizes.base)
        autoencoder = AutoencoderKLQwenImage(configuration: vae, source: source, backend: backend)
        let side = sizes.resolution / (2 * vae.scaleFactor)
        geometry = LatentGeometry(channels: vae.zDim, tokenHeight: side, tokenWidth: side)
        picture = try SyntheticValues.tensor([sizes.resolution, sizes.resolution, 4], bound: 1, on: backend)
        prompts = try (0..<2).map { _ in
            try SyntheticValues.tensor([sizes.textTokens, Self.textFeatures], on: backend)
        }
        noise = try SyntheticValues.tensor(
            [(sizes.layers + 1) * geometry.frameTokens, geometry.tokenChannels], on: backend)
    }

    /// Runs it once, with guidance; the layers are decoded and dropped.
    func run() throws {
        let frames = sizes.layers + 1
        let branches = try prompts.map {
            try transformer.branch(
                promptEmbeds: $0, frames: frames, height: geometry.tokenHeight, width: geometry.tokenWidth)
        }
        let condition = try geometry.pack(latent: try autoencoder.encode(picture), on: backend)
        let schedule = try transformer.schedule(
            timesteps: (0..<sizes.steps).map { 1 - Float($0) / Float(sizes.steps) })
        let states = try backend.concatenateRows([noise, condition])
        let latents = states.rows(0..<noise.shape[0])
        for step in 0..<sizes.steps {
            let outputs = try transformer(states, branches: branches, schedule: schedule, step: step)
                .map { $0.rows(0..<noise.shape[0]) }
            let prediction = try backend.guidance(
                positive: outputs[0], negative: outputs[1], scale: Self.guidanceScale, normalize: true)
            try backend.eulerStep(latents, prediction: prediction, delta: -1 / Float(sizes.steps))
        }
        backend.releaseUnusedMemory()
        for layer in 1...sizes.layers {
            let tokens = latents.rows((layer * geometry.frameTokens)..<((layer + 1) * geometry.frameTokens))
            _ = try backend.download(try autoencoder.decode(try geometry.unpack(tokens, on: backend)))
        }
        backend.releaseUnusedMemory()
    }
}
