import ImageCodecs

/// The outcome of one job.
public struct Decomposition: Sendable {
    /// For each result the layers, bottom first; all of the model's output size.
    public let images: [[PixelBuffer]]
    /// What was used, the seed included; `prompt` holds the caption if one was written.
    public let parameters: DecompositionParameters
    /// The caption that the model wrote, if it did.
    public let caption: String?
    /// Width and height of the layers in pixels.
    public let width: Int
    public let height: Int
    /// Wall seconds by stage, in order.
    public let stageSeconds: [(stage: PipelineStage, seconds: Double)]
    /// The most bytes that a device held at once: tensors and weights.
    public let peakTensorBytes: Int
    /// Where weights lived, and what was held and moved.
    public let memory: JobMemory
    /// What was applied to the transformer.
    public let loras: [LoRA]
    /// Passes through the transformer, one a step and branch, that the first block cache has spared all blocks but the
    /// first; nil without one.
    public let reusedPasses: Int?
    /// True if the model says of itself that its pictures are of regions of one colour, each in one layer.
    public let hasFlatRegions: Bool

    /// Everything a job has to show.
    public init(
        images: [[PixelBuffer]], parameters: DecompositionParameters, caption: String?, width: Int, height: Int,
        stageSeconds: [(stage: PipelineStage, seconds: Double)], peakTensorBytes: Int,
        memory: JobMemory = JobMemory(), loras: [LoRA] = [], reusedPasses: Int? = nil,
        hasFlatRegions: Bool = false
    ) {
        self.images = images
        self.parameters = parameters
        self.caption = caption
        self.width = width
        self.height = height
        self.stageSeconds = stageSeconds
        self.peakTensorBytes = peakTensorBytes
        self.memory = memory
        self.loras = loras
        self.reusedPasses = reusedPasses
        self.hasFlatRegions = hasFlatRegions
    }
}
