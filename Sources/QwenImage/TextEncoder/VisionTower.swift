import TensorCore
import Weights

/// Qwen2.5-VL's vision tower: patches of a picture to features that take the places of tokens.
///
/// Source: transformers 5.23, `Qwen2_5_VisionTransformerPretrainedModel`.
final class VisionTower {
    let configuration: Qwen25VLVisionConfiguration
    let blocks: BlockStore<VisionBlock>
    /// The patch embedding: a convolution whose stride is its kernel, so a product with the flattened patch.
    private let patchEmbed: Linear
    private let merger: PatchMerger
    private let offload: OffloadManager
    private let backend: any Backend

    /// Opens the tower in a checkpoint; blocks are loaded when they are first needed.
    init(
        _ configuration: Qwen25VLVisionConfiguration, source: any TensorSource, offload: OffloadManager
    ) throws(WeightsError) {
        backend = offload.root(of: .textEncoder)
        let weights = Self.scope(in: source, backend: backend)
        let patch = configuration.patchSize
        self.configuration = configuration
        self.offload = offload
        let kernel = try weights["patch_embed"]["proj"].matrix(
            "weight",
            shape: [configuration.hiddenSize, configuration.inChannels, configuration.temporalPatchSize, patch, patch])
        patchEmbed = Linear(weight: kernel, bias: nil)
        merger = try PatchMerger(weights["merger"], configuration)
        blocks = BlockStore(.visionBlocks, count: configuration.depth, in: weights["blocks"], manager: offload) {
            (block, _) throws(WeightsError) in
            try VisionBlock(block, configuration)
        }
    }

    /// Older checkpoints have the tower at the top, newer ones under `model`.
    private static func scope(in source: any TensorSource, backend: any Backend) -> WeightScope {
        let root = WeightScope(source: source, backend: backend)
        let newer = root["model"]["visual"]
        return newer.contains("patch_embed.proj.weight") ? newer : root["visual"]
    }

    /// Features [merged tokens, outHidden] float32 in raster order, of patches [patches, 3 * 2 * 14 * 14] in the
    /// preprocessor's order.
    func callAsFunction(
        _ pixelValues: Tensor, grid: PatchGrid, cancellation: Cancellation?
    ) throws(WeightsError) -> Tensor {
        let layout = WindowLayout(
            grid: grid,
            windowTokens: configuration.windowSize / configuration.spatialMergeSize / configuration.patchSize)
        let hiddenStates = try WeightsError.converting { () throws(TensorError) in
            try embed(pixelValues, layout)
        }
        try runBlocks(hiddenStates, grid: grid, layout: layout, cancellation: cancellation)
        return try WeightsError.converting { () throws(TensorError) in
            try backend.gatherRows(try merger(hiddenStates, on: backend), layout.reverseIndex)
        }
    }

    /// Patch embeddings [patches, hidden], the merged tokens' patches in window order.
    private func embed(_ pixelValues: Tensor, _ layout: WindowLayout) throws(TensorError) -> Tensor {
        let embedded = try backend.linear(pixelValues, patchEmbed)
        let tokenSize = configuration.spatialMergeUnit * configuration.hiddenSize
        let tokens = embedded.reshaped([embedded.elementCount / tokenSize, tokenSize])
        return try backend.gatherRows(tokens, layout.windowIndex).reshaped(embedded.shape)
    }

    private func runBlocks(
        _ hiddenStates: Tensor, grid: PatchGrid, layout: WindowLayout, cancellation: Cancellation?
    ) throws(WeightsError) {
        let rotary = try WeightsError.converting { () throws(TensorError) in
            try VisionRotary.angles(grid: grid, layout: layout, configuration: configuration).upload(to: backend)
        }
        let headSize = configuration.headSize
        let windows = AttentionLayout(
            heads: configuration.numHeads, headSize: headSize, mask: .segments(layout.boundaries))
        let whole = AttentionLayout(heads: configuration.numHeads, headSize: headSize)
        var walk = DeviceWalk(hiddenStates, rotary: rotary, from: backend, offload: offload)
        for index in 0..<blocks.count {
            let device = blocks.backend(of: index)
            try blocks.withWeights(of: index) { block throws(TensorError) in
                if cancellation?.isCancelled ?? false { throw .cancelled }
                try walk.move(to: device)
                let attention = configuration.fullAttentionBlockIndexes.contains(index) ? whole : windows
                try block(walk.states, rotary: walk.rotary, layout: attention, on: device)
            }
        }
        try WeightsError.converting { () throws(TensorError) in try walk.finish() }
    }
}
