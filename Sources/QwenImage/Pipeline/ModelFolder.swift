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
    let transformerSource: any TensorSource
    let textEncoderSource: any TensorSource
    let autoencoderSource: any TensorSource
    /// What most matrices of the transformer are quantised to, in its file; nil if they are not.
    public let quantizedPrecision: WeightPrecision?

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
            transformer = try Self.configuration("transformer", in: folder)
            try transformer.validate(file: "transformer/config.json")
            autoencoder = try Self.configuration("vae", in: folder)
            try autoencoder.validate(file: "vae/config.json")
            scheduler = try FlowMatchEulerDiscreteScheduler(
                folder: folder.appendingPathComponent("scheduler"))
            let transformerSource = try components.transformerSource(folder)
            self.transformerSource = transformerSource
            quantizedPrecision = transformerSource.precision
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

    private static func configuration<T: Decodable>(_ component: String, in folder: URL) throws(WeightsError) -> T {
        try ConfigurationFile.read(
            T.self, from: folder.appendingPathComponent(component).appendingPathComponent("config.json"),
            name: "\(component)/config.json")
    }
}
