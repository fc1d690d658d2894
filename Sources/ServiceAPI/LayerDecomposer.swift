import ImageCodecs
import QwenImage

/// What the service needs of an engine.
///
/// `decompose` is called by one serial queue, one job at a time; the other members may be called from any thread.
public protocol LayerDecomposer: Sendable {
    /// What answers and logs call the model, such as its folder's name.
    var modelName: String { get }

    /// The options with the model's defaults filled in; throws `parameterOutOfRange`.
    func parameters(for options: DecompositionOptions) throws(PipelineError) -> DecompositionParameters

    /// Splits `picture`; throws `cancelled` soon after `cancellation` was raised.
    func decompose(
        _ picture: PixelBuffer, parameters: DecompositionParameters, cancellation: Cancellation,
        progress: @escaping @Sendable (PipelineProgress) -> Void
    ) throws(PipelineError) -> Decomposition
}
