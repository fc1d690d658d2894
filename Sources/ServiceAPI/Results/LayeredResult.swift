import ImageCodecs
import QwenImage

/// What a job made, as pictures of named layers: everything that files and answers are made of.
public struct LayeredResult: Sendable {
    /// A picture for each result, bottom layer first.
    public let pictures: [LayerTree]
    /// What answers call the model.
    public let modelName: String
    /// What was used, the seed included.
    public let parameters: DecompositionParameters
    /// The caption that the model wrote, if it did.
    public let caption: String?
    /// Wall seconds by stage, in order.
    public let stageSeconds: [(stage: PipelineStage, seconds: Double)]
    /// The most bytes of tensors that the device held at once.
    public let peakTensorBytes: Int

    /// A result of these pictures; the rest is taken from the decomposition.
    public init(pictures: [LayerTree], of decomposition: Decomposition, modelName: String) {
        self.pictures = pictures
        self.modelName = modelName
        parameters = decomposition.parameters
        caption = decomposition.caption
        stageSeconds = decomposition.stageSeconds
        peakTensorBytes = decomposition.peakTensorBytes
    }

    /// The model's own layers, named by their places; throws `ImageError` if there are none.
    public init(_ decomposition: Decomposition, modelName: String) throws(ImageError) {
        var pictures: [LayerTree] = []
        for layers in decomposition.images {
            pictures.append(
                try LayerTree(
                    layers: layers.enumerated().map { ImageLayer(name: Self.name($0.offset), pixels: $0.element) }))
        }
        self.init(pictures: pictures, of: decomposition, modelName: modelName)
    }

    /// The name of a layer that nothing else is known of, 0 being the bottom one.
    public static func name(_ index: Int) -> String { index == 0 ? "background" : "layer \(index + 1)" }

    /// Width of the canvas, the same for all pictures.
    public var width: Int { pictures.first?.width ?? 0 }

    /// Height of the canvas.
    public var height: Int { pictures.first?.height ?? 0 }
}
