import ImageCodecs
import LayerFitting
import QwenImage

/// What the service needs of an engine.
///
/// `decompose` is called by one serial queue, one job at a time; the other members may be called from any thread.
public protocol LayerDecomposer: Sendable {
    /// What answers and logs call the model, such as its folder's name.
    var modelName: String { get }

    /// What is applied to the model's transformer.
    var loras: [LoRA] { get }

    /// True if an empty prompt has the model write a caption.
    var hasCaptioner: Bool { get }

    /// Look-ups of captions and prompt embeddings so far, for the metrics.
    var caches: [CacheFigures] { get }

    /// Engines for the same model on further devices, which take jobs of the same queue.
    var others: [any LayerDecomposer] { get }

    /// What tensors may take on the device at once; nil for no limit.
    var memoryLimitBytes: Int? { get }

    /// Why no job can be done any more until the process is started again; nil as long as jobs can be.
    var fault: String? { get }

    /// What a job for a picture of this size will take, finishing its layers included, and whether it fits; `others`
    /// are there where the picture is a layer that is split. Throws `parameterOutOfRange`.
    func plan(
        for parameters: DecompositionParameters, finish: LayerFinish, others: OtherLayers?, width: Int, height: Int
    ) throws(PipelineError) -> PlanManifest

    /// The options with the model's defaults filled in; throws `parameterOutOfRange`.
    func parameters(for options: DecompositionOptions) throws(PipelineError) -> DecompositionParameters

    /// Splits `picture`; throws `cancelled` soon after `cancellation` was raised. `finish` is what the caller does to
    /// the layers, and `others` what there is beside a layer that is split: memory is left for both. `preview` is for
    /// engines that can show the composite before it is done.
    func decompose(
        _ picture: PixelBuffer, parameters: DecompositionParameters, finish: LayerFinish, others: OtherLayers?,
        cancellation: Cancellation, preview: PreviewWatch, progress: @escaping @Sendable (PipelineProgress) -> Void
    ) throws(PipelineError) -> Decomposition
}

extension LayerDecomposer {
    /// None: one device.
    public var others: [any LayerDecomposer] { [] }

    /// None: the model as it is.
    public var loras: [LoRA] { [] }

    /// None: nothing that cannot be tried again.
    public var fault: String? { nil }
}

/// How often a cache had what was looked for.
public struct CacheFigures: Sendable, Equatable {
    /// `caption` or `prompt`.
    public let name: String
    /// Look-ups that found something.
    public let hits: Int
    /// Look-ups that did not.
    public let misses: Int

    /// Figures of one cache.
    public init(name: String, hits: Int, misses: Int) {
        self.name = name
        self.hits = hits
        self.misses = misses
    }
}
