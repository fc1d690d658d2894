import ImageCodecs
import LayerFitting
import QwenImage

/// What a job made, as pictures of named layers: everything that files and answers are made of.
public struct LayeredResult: Sendable {
    /// A picture for each result, bottom layer first.
    public let pictures: [LayerTree]
    /// What answers call the model.
    public let modelName: String
    /// What was done to the model's layers.
    public let finish: LayerFinish
    /// Wall seconds that this took.
    public let fitSeconds: Double
    /// What was used, the seed included.
    public let parameters: DecompositionParameters
    /// The caption that the model wrote, if it did.
    public let caption: String?
    /// Wall seconds by stage, in order.
    public let stageSeconds: [(stage: PipelineStage, seconds: Double)]
    /// The most bytes of tensors that the device held at once.
    public let peakTensorBytes: Int
    /// Where weights lived, and what was held and moved.
    public let memory: JobMemory
    /// What was applied to the transformer.
    public let loras: [LoRA]
    /// Passes through the transformer that the first block cache has spared; nil without one.
    public let reusedPasses: Int?

    /// A result of these pictures; the rest is taken from the decomposition.
    public init(
        pictures: [LayerTree], of decomposition: Decomposition, modelName: String, finish: LayerFinish = .none,
        fitSeconds: Double = 0
    ) {
        self.pictures = pictures
        self.finish = finish
        self.fitSeconds = fitSeconds
        self.modelName = modelName
        parameters = decomposition.parameters
        caption = decomposition.caption
        stageSeconds = decomposition.stageSeconds
        peakTensorBytes = decomposition.peakTensorBytes
        memory = decomposition.memory
        loras = decomposition.loras
        reusedPasses = decomposition.reusedPasses
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

    /// The layers as people get them: finished, named by the caption or their places, trimmed if nothing is lost by it.
    ///
    /// `picture` is what was decomposed, with `split` the part of a layer that becomes a group of the layers. Throws
    /// `ImageError` if the layers are no stack.
    public init(
        _ decomposition: Decomposition, of picture: PixelBuffer, finish: LayerFinish, modelName: String,
        split: LayerSplit? = nil
    ) throws(ImageError) {
        // Layers of the model's size would not fit the others of their picture.
        var finish = finish
        if split != nil { finish.fit = .original }
        let start = ContinuousClock.now
        let caption = decomposition.caption ?? decomposition.parameters.prompt
        var pictures: [LayerTree] = []
        for layers in decomposition.images {
            var parts = try finish.finish(layers, of: picture, flatRegions: decomposition.hasFlatRegions).map {
                ImageLayer(name: "", pixels: $0)
            }
            let (width, height) = (parts[0].pixels?.width ?? 0, parts[0].pixels?.height ?? 0)
            Self.name(&parts, width: width, height: height, caption: caption, in: split)
            // Without clean-up colours under alpha 0 are the model's, and stay. One after the other: a large layer goes
            // as soon as its trimmed copy is there.
            for index in parts.indices where finish.cleanUp != nil { parts[index] = parts[index].trimmed() }
            if let split {
                pictures.append(try split.tree(with: parts))
            } else {
                pictures.append(try LayerTree(width: width, height: height, nodes: parts.map { .layer($0) }))
            }
        }
        self.init(
            pictures: pictures, of: decomposition, modelName: modelName, finish: finish,
            fitSeconds: (ContinuousClock.now - start) / .seconds(1))
    }

    /// Names layers of a canvas so that nothing in the picture of `split` has the same name.
    private static func name(
        _ layers: inout [ImageLayer], width: Int, height: Int, caption: String?, in split: LayerSplit?
    ) {
        let boxes = layers.map { layer in
            layer.visibleBox.map { ResultManifest.Box(x: $0.x, y: $0.y, width: $0.width, height: $0.height) }
        }
        let names = LayerNames.names(
            for: boxes, width: width, height: height, caption: caption, inside: split?.number,
            taken: Set(split?.tree.layers.map { $0.name.lowercased() } ?? []))
        for index in layers.indices { layers[index].name = LayerTree.name(names[index], orElse: name(index)) }
    }

    /// The name of a layer that nothing else is known of, 0 being the bottom one.
    public static func name(_ index: Int) -> String { index == 0 ? "background" : "layer \(index + 1)" }

    /// Width of the canvas, the same for all pictures.
    public var width: Int { pictures.first?.width ?? 0 }

    /// Height of the canvas.
    public var height: Int { pictures.first?.height ?? 0 }
}
