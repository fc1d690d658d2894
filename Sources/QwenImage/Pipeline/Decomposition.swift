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
    /// The most bytes of tensors that the device held at once (mapped weights not counted).
    public let peakTensorBytes: Int
    /// The same by stage.
    public let stagePeakBytes: [PipelineStage: Int]

    /// Everything a job has to show.
    public init(
        images: [[PixelBuffer]], parameters: DecompositionParameters, caption: String?, width: Int, height: Int,
        stageSeconds: [(stage: PipelineStage, seconds: Double)], peakTensorBytes: Int,
        stagePeakBytes: [PipelineStage: Int] = [:]
    ) {
        self.images = images
        self.parameters = parameters
        self.caption = caption
        self.width = width
        self.height = height
        self.stageSeconds = stageSeconds
        self.peakTensorBytes = peakTensorBytes
        self.stagePeakBytes = stagePeakBytes
    }
}
