import Foundation
import TensorCore
import Weights

extension TransformerConfiguration {
    /// The class that a transformer's own `config.json` names.
    private static let className = "QwenImageTransformer2DModel"
    /// What the layered model has and the plain one has not.
    private static let layeredSign = "time_text_embed.addition_t_embedding.weight"
    private static let blockPrefix = "transformer_blocks."

    /// The configuration of weights that may have come without one.
    ///
    /// - Parameters:
    ///   - folder: the model's, whose `transformer/config.json` is taken if it is there.
    ///   - weights: where the weights are, if elsewhere: a `config.json` beside them is taken next.
    ///   - source: the weights, whose shapes tell the sizes if there is no file.
    /// - Returns: the configuration, and what messages call it.
    /// - Throws: what is wrong with a file that is there; `model` if the shapes tell too little.
    static func find(
        in folder: URL, weights: URL?, source: any TensorSource
    ) throws -> (configuration: TransformerConfiguration, name: String) {
        let file = "transformer/config.json"
        do throws(WeightsError) {
            let url = folder.appendingPathComponent(file)
            return (try ConfigurationFile.read(TransformerConfiguration.self, from: url, name: file), file)
        } catch .fileMissing {
            if let weights, let beside = beside(weights) { return beside }
            return (try TransformerConfiguration(shapesOf: source), source.location)
        }
    }

    /// A transformer's configuration in the folder of its weights; one of anything else is passed over.
    private static func beside(_ weights: URL) -> (configuration: TransformerConfiguration, name: String)? {
        let isFolder = (try? weights.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true
        let file = (isFolder ? weights : weights.deletingLastPathComponent()).appendingPathComponent("config.json")
        guard let named = try? ConfigurationFile.read(Named.self, from: file), named.className == className,
            let configuration = try? ConfigurationFile.read(TransformerConfiguration.self, from: file)
        else { return nil }
        return (configuration, file.path)
    }

    private struct Named: Decodable {
        let className: String

        enum CodingKeys: String, CodingKey {
            case className = "_class_name"
        }
    }

    /// The sizes that the tensors' shapes tell, of the layered model; patches and rotary axes are upstream's.
    init(shapesOf source: any TensorSource) throws {
        self.init()
        guard source.contains(Self.layeredSign) else {
            throw PipelineError.model(
                file: source.location,
                problem: "has no tensor '\(Self.layeredSign)': these are weights of another model than"
                    + " Qwen-Image-Layered, or the model folder needs its transformer/config.json")
        }
        (useAdditionalTCond, useLayer3DRope) = (true, true)
        let indices = source.names.compactMap { name in
            name.hasPrefix(Self.blockPrefix)
                ? name.dropFirst(Self.blockPrefix.count).prefix { $0 != "." } : nil
        }
        numLayers = Set(indices).count
        let image = try Self.shape(source, "img_in.weight", rank: 2)
        inChannels = image[1]
        outChannels = try Self.shape(source, "proj_out.weight", rank: 2)[0] / (patchSize * patchSize)
        jointAttentionDim = try Self.shape(source, "txt_in.weight", rank: 2)[1]
        attentionHeadDim = try Self.shape(source, "transformer_blocks.0.attn.norm_q.weight", rank: 1)[0]
        numAttentionHeads = attentionHeadDim > 0 ? image[0] / attentionHeadDim : 0
        guard axesDimsRope.reduce(0, +) == attentionHeadDim else {
            throw PipelineError.model(
                file: source.location,
                problem: "has heads of \(attentionHeadDim), and no shape tells how they are rotated:"
                    + " put the transformer's config.json beside it")
        }
    }

    private static func shape(_ source: any TensorSource, _ name: String, rank: Int) throws -> Shape {
        let shape = try source.tensor(named: name).shape
        guard shape.rank == rank else {
            throw PipelineError.model(file: source.location, problem: "'\(name)' has the shape \(shape)")
        }
        return shape
    }
}
