import Foundation
import TensorCore
import Weights

/// A model in the public layout: `model_index.json` and a folder for each component.
///
/// Opening reads the configurations and the headers of the weight files, checks that the parts fit together and that
/// every tensor which the engine will ask for is there with the right shape; no weight is read.
public struct ModelFolder: Sendable {
    /// Where it is, what it says of itself, and the sizes of its components.
    public let folder: URL
    public let defaults: ModelDefaults
    public let transformer: TransformerConfiguration
    public let autoencoder: AutoencoderConfiguration
    let scheduler: FlowMatchEulerDiscreteScheduler
    private(set) var transformerSource: any TensorSource
    private(set) var textEncoderSource: any TensorSource
    let autoencoderSource: any TensorSource
    /// What most matrices of the transformer are quantised to, in its file; nil if they are not.
    public let quantizedPrecision: WeightPrecision?
    /// What blocks' large matrices are converted to while they are loaded.
    public private(set) var weightForms = WeightForms()
    /// What is applied to the transformer, in this order.
    public let loras: [LoRA]

    /// The one pipeline class that this engine runs.
    static let pipelineClass = "QwenImageLayeredPipeline"

    private struct Index: Decodable {
        let className: String

        enum CodingKeys: String, CodingKey {
            case className = "_class_name"
        }
    }

    /// Opens `folder`, with the weights of `components` instead of its own.
    /// Throws what is wrong with the first file that is.
    public init(_ folder: URL, components: ModelComponents = ModelComponents()) throws(PipelineError) {
        self.folder = folder
        do {
            guard (try? folder.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true else {
                throw PipelineError.model(file: folder.path, problem: "there is no such model folder")
            }
            let index = try ConfigurationFile.read(
                Index.self, from: folder.appendingPathComponent("model_index.json"), name: "model_index.json")
            guard index.className == Self.pipelineClass else {
                throw PipelineError.unknownPipeline(found: index.className, expected: Self.pipelineClass)
            }
            defaults = try ModelDefaults.read(fromFolder: folder)
            let transformerSource = try components.transformerSource(folder)
            quantizedPrecision = transformerSource.precision
            let found = try TransformerConfiguration.find(
                in: folder, weights: components.transformer, source: transformerSource)
            transformer = found.configuration
            try transformer.validate(file: found.name)
            self.transformerSource = try components.adapted(transformerSource, transformer)
            loras = components.activeLoRAs
            autoencoder = try Self.configuration("vae", in: folder)
            try autoencoder.validate(file: "vae/config.json")
            try Self.checkTokens(of: autoencoder, defaults)
            scheduler = try FlowMatchEulerDiscreteScheduler(
                folder: folder.appendingPathComponent("scheduler"))
            if let steps = defaults.numInferenceSteps, steps < scheduler.fewestSteps {
                throw PipelineError.model(
                    file: ModelDefaults.fileName,
                    problem: "num_inference_steps is \(steps), but the scheduler's shift_terminal wants at least"
                        + " \(scheduler.fewestSteps)")
            }
            autoencoderSource = try components.autoencoderSource(folder, autoencoder)
            textEncoderSource = try components.textEncoderSource(folder)
        } catch {
            throw PipelineError(wrapping: error)
        }
        guard autoencoder.zDim * 4 == transformer.inChannels else {
            throw .model(
                file: "transformer/config.json",
                problem:
                    "in_channels is \(transformer.inChannels), but the VAE's z_dim asks for \(autoencoder.zDim * 4)")
        }
    }

    /// The same model, blocks' large matrices converted while they are loaded.
    public func held(in forms: WeightForms) -> ModelFolder {
        var model = self
        model.weightForms = forms
        model.textEncoderSource = FormedSource(textEncoderSource, form: forms.textEncoder)
        model.transformerSource = FormedSource(transformerSource, form: forms.transformer)
        return model
    }

    /// The options with the model's defaults filled in. Throws `parameterOutOfRange` for the first that is outside of
    /// its range, or that the model's schedule cannot have.
    public func parameters(for options: DecompositionOptions) throws(PipelineError) -> DecompositionParameters {
        let parameters = try options.resolved(with: defaults)
        guard parameters.numInferenceSteps >= scheduler.fewestSteps else {
            throw .parameterOutOfRange(
                name: "num_inference_steps", value: "\(parameters.numInferenceSteps)",
                range: "at least \(scheduler.fewestSteps) with this model, whose schedule ends at its shift_terminal")
        }
        return parameters
    }

    /// Throws if the sides of a result need not be whole tokens, which are two latent cells wide.
    private static func checkTokens(
        of autoencoder: AutoencoderConfiguration, _ defaults: ModelDefaults
    ) throws(PipelineError) {
        let (token, multiple) = (2 * autoencoder.scaleFactor, defaults.sizeMultiple ?? OutputSize.usualMultiple)
        guard multiple.isMultiple(of: token) else {
            throw .model(
                file: "vae/config.json",
                problem: "temperal_downsample makes tokens of \(token) pixels a side, but the sides of results are"
                    + " multiples of \(multiple); set size_multiple in \(ModelDefaults.fileName) to a multiple of"
                    + " \(token)")
        }
    }

    /// The autoencoder alone on a backend; nothing is loaded yet.
    public func openAutoencoder(on backend: any Backend) -> AutoencoderKLQwenImage {
        AutoencoderKLQwenImage(configuration: autoencoder, source: autoencoderSource, backend: backend)
    }

    /// The element type of the transformer's large matrices.
    public var transformerDType: DType {
        (try? transformerSource.tensor(named: "transformer_blocks.0.attn.to_q.weight"))?.dtype ?? .bfloat16
    }

    /// The largest weight file of the transformer.
    public var largestFile: URL? {
        let component = folder.appendingPathComponent("transformer")
        let files = try? FileManager.default.contentsOfDirectory(
            at: component, includingPropertiesForKeys: [.fileSizeKey])
        func size(_ file: URL) -> Int { (try? file.resourceValues(forKeys: [.fileSizeKey]))?.fileSize ?? 0 }
        return files?.filter { ["safetensors", "gguf"].contains($0.pathExtension) }.max { size($0) < size($1) }
    }

    /// The components and their blocks with the bytes of them, for device maps and budgets.
    package func layout() throws(PipelineError) -> ModelLayout {
        let textFolder = folder.appendingPathComponent(ModelComponent.textEncoder.rawValue)
        let text = try Qwen25VLConfiguration(folder: textFolder)
        let sizes = WeightSizes(
            text: textEncoderSource, transformer: transformerSource, autoencoder: autoencoderSource)
        return ModelLayout(components: [
            .init(
                name: ModelComponent.textEncoder.rawValue,
                blockLists: [
                    .init(
                        name: BlockList.textLayers.name, count: text.text.numHiddenLayers, blockBytes: sizes.textLayer),
                    .init(
                        name: BlockList.visionBlocks.name, count: text.vision.depth, blockBytes: sizes.visionBlock),
                ], otherBytes: sizes.textOther),
            .init(
                name: ModelComponent.transformer.rawValue,
                blockLists: [
                    .init(
                        name: BlockList.transformerBlocks.name, count: transformer.numLayers,
                        blockBytes: sizes.transformerBlock)
                ], otherBytes: sizes.transformerOther),
            .init(name: ModelComponent.vae.rawValue, blockLists: [], otherBytes: sizes.autoencoder),
        ])
    }

    private static func configuration<T: Decodable>(_ component: String, in folder: URL) throws(WeightsError) -> T {
        try ConfigurationFile.read(
            T.self, from: folder.appendingPathComponent(component).appendingPathComponent("config.json"),
            name: "\(component)/config.json")
    }
}
