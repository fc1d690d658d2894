import TensorCore
import Weights

/// The language model's layers by themselves, for measuring: from hidden states to the final norm, without tokens.
package final class MeasuredTextModel {
    private let model: Qwen25VLTextModel
    private let angles: Rotary
    private let cache: KeyValueCache

    /// Opens the model with room for `capacity` tokens. Throws what a missing or misshapen tensor throws.
    package init(
        configuration: Qwen25VLTextConfiguration, capacity: Int, source: any TensorSource, backend: any Backend
    ) throws(WeightsError) {
        let model = try Qwen25VLTextModel(configuration, source: source, offload: OffloadManager(backend))
        self.model = model
        do throws(TensorError) {
            angles = try RopePositions(textCount: capacity).angles(configuration).upload(to: backend)
            cache = try model.cache(capacity: capacity)
        } catch {
            throw .tensor(error)
        }
    }

    /// A whole prompt at once: `hidden` [S, hiddenSize] float32 is overwritten, the result is normed.
    package func prefill(_ hidden: Tensor) throws(WeightsError) -> Tensor {
        try run(hidden, from: 0, cache: nil)
    }

    /// The tokens after those that were appended before; `hidden` [S, hiddenSize] float32 is overwritten.
    package func append(_ hidden: Tensor) throws(WeightsError) -> Tensor {
        try run(hidden, from: cache.count, cache: cache)
    }

    private func run(_ hidden: Tensor, from start: Int, cache: KeyValueCache?) throws(WeightsError) -> Tensor {
        try model.runLayers(
            hidden, rotary: angles.rows(start..<(start + hidden.shape[0])), cache: cache, cancellation: nil)
        do throws(TensorError) {
            return try model.finalNorm(hidden)
        } catch {
            throw .tensor(error)
        }
    }
}

extension Qwen25VLTextConfiguration {
    /// Sizes that come from no file: those of the published model but for what is given.
    package init(
        hiddenSize: Int, intermediateSize: Int, layers: Int, heads: Int, keyValueHeads: Int, vocabSize: Int
    ) {
        self.vocabSize = vocabSize
        self.hiddenSize = hiddenSize
        self.intermediateSize = intermediateSize
        numHiddenLayers = layers
        numAttentionHeads = heads
        numKeyValueHeads = keyValueHeads
        rmsNormEps = 1e-6
        ropeTheta = 1_000_000
        // The published 16, 24, 24 of 64 pairs, scaled to the head.
        let pairs = hiddenSize / heads / 2
        let spatial = (pairs - pairs / 4) / 2
        mropeSection = [pairs - 2 * spatial, spatial, spatial]
    }
}
