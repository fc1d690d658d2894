import TensorCore
import Weights

/// Bytes of a model's weights, as far as a device holds them, by what they belong to.
struct WeightSizes {
    /// Of the first block of each list; the modulation, which no device keeps, is left out.
    let textLayer: Int
    let visionBlock: Int
    let transformerBlock: Int
    /// Of what belongs to no block; of the text encoder without the embedding table, which stays in the checkpoint.
    let textOther: Int
    let transformerOther: Int
    /// In float32, without the time slices that one frame does not meet.
    let autoencoder: Int

    init(text: any TensorSource, transformer: any TensorSource, autoencoder: any TensorSource) {
        textLayer = Self.bytes(text) { $0.contains("layers.0.") && !$0.contains("visual.") }
        visionBlock = Self.bytes(text) { $0.contains("visual.blocks.0.") }
        textOther = Self.bytes(text) {
            !$0.contains("layers.") && !$0.contains("visual.blocks.") && !$0.contains("embed_tokens")
        }
        transformerBlock = Self.bytes(transformer) { $0.hasPrefix("transformer_blocks.0.") && !$0.contains("_mod.") }
        transformerOther = Self.bytes(transformer) { !$0.hasPrefix("transformer_blocks.") }
        self.autoencoder = Self.tensors(autoencoder) { _ in true }.reduce(0) { sum, tensor in
            let time = tensor.shape.rank == 5 ? max(tensor.shape[2], 1) : 1
            return sum + tensor.shape.elementCount / time * DType.float32.byteCount
        }
    }

    private static func bytes(_ source: any TensorSource, _ isMeant: (String) -> Bool) -> Int {
        tensors(source, isMeant).reduce(0) { $0 + $1.storedByteCount }
    }

    private static func tensors(_ source: any TensorSource, _ isMeant: (String) -> Bool) -> [HostTensor] {
        source.names.filter(isMeant).compactMap { try? source.tensor(named: $0) }
    }
}
