import TensorCore
import Weights

/// One block by itself, for measuring: the block as the transformer runs it, without what comes before and after.
package struct MeasuredTransformerBlock {
    private let block: TransformerBlock
    private let modulation: (image: StreamModulation, text: StreamModulation)
    private let rotary: Rotary
    private let backend: any Backend

    /// Loads block 0 of a checkpoint.
    ///
    /// - Parameters:
    ///   - modulation: [2, 6 * innerDim], the image stream's row and the text stream's.
    ///   - rotary: [textTokens + imageTokens, headSize / 2], pairs side by side.
    package init(
        configuration: TransformerConfiguration, source: any TensorSource, backend: any Backend, modulation: Tensor,
        rotary: Rotary
    ) throws(WeightsError) {
        block = try TransformerBlock(
            WeightScope(source: source, backend: backend)["transformer_blocks"][0], configuration)
        let dim = configuration.innerDim
        self.modulation = (
            StreamModulation(modulation.row(0), dim: dim), StreamModulation(modulation.row(1), dim: dim)
        )
        self.rotary = rotary
        self.backend = backend
    }

    /// Applies the block to `hidden` [textTokens + imageTokens, innerDim] float32 in place, both streams of it.
    package func callAsFunction(_ hidden: Tensor, textTokens: Int) throws(TensorError) {
        try block(
            hidden, textTokens: textTokens, imageModulation: modulation.image, textModulation: modulation.text,
            rotary: rotary, updatesText: true, on: backend)
    }
}
