import Foundation
import Weights

/// What a model folder says of itself in `mica.json`, beside
/// `model_index.json`; every field is optional, and so is the file.
///
/// A request's own values come first, then these, then the defaults of the published model.
public struct ModelDefaults: Sendable, Equatable, Decodable {
    /// As the fields of `DecompositionOptions` that have these names.
    public var prompt: String?
    public var negativePrompt: String?
    public var trueCFGScale: Double?
    public var layers: Int?
    public var maxLayers: Int?
    public var numInferenceSteps: Int?
    public var resolution: Int?
    public var cfgNormalize: Bool?
    public var useEnPrompt: Bool?
    public var maxSequenceLength: Int?
    public var firstBlockCache: Double?
    /// False if the text encoder cannot describe pictures; an empty prompt is then used as it is.
    public var captioner: Bool?
    /// False if the model has seen opaque pictures alone: what shows through is filled with the colours around before
    /// it sees the picture.
    public var alpha: Bool?
    /// True if it was trained on flat drawings: cleaning up its layers then gives each region of one colour to one.
    public var flatRegions: Bool?
    /// What the sides of a result are multiples of, in pixels: a multiple of `finestMultiple`. A model for small
    /// pictures says 16, because with the usual 32 their aspect would be far off.
    public var sizeMultiple: Int?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case prompt
        case negativePrompt = "negative_prompt"
        case trueCFGScale = "true_cfg_scale"
        case layers
        case maxLayers = "max_layers"
        case numInferenceSteps = "num_inference_steps"
        case resolution
        case cfgNormalize = "cfg_normalize"
        case useEnPrompt = "use_en_prompt"
        case maxSequenceLength = "max_sequence_length"
        case firstBlockCache = "first_block_cache"
        case captioner
        case alpha
        case flatRegions = "flat_regions"
        case sizeMultiple = "size_multiple"
    }

    /// Side of a token in pixels in the published layout: 8 pixels a latent cell, 2 cells a token. A model whose VAE
    /// says otherwise needs multiples of its own tokens (`ModelFolder`).
    static let finestMultiple = 16

    /// No defaults of its own.
    public init() {}

    static let fileName = "mica.json"

    /// The defaults in `folder`, or none if it has no such file. Throws `model` if the file is not what it should be.
    public static func read(fromFolder folder: URL) throws(PipelineError) -> ModelDefaults {
        let data: Data
        do throws(WeightsError) {
            data = try ConfigurationFile.data(of: folder.appendingPathComponent(fileName), name: fileName)
        } catch .fileMissing {
            return ModelDefaults()
        } catch {
            throw .weights(error)
        }
        do {
            let known = Set(CodingKeys.allCases.map(\.rawValue))
            let keys = (try JSONSerialization.jsonObject(with: data) as? [String: Any])?.keys ?? [:].keys
            if let stranger = keys.sorted().first(where: { !known.contains($0) }) {
                throw PipelineError.model(
                    file: fileName,
                    problem: "unknown key '\(stranger)'; known are \(known.sorted().joined(separator: ", "))")
            }
            let defaults = try JSONDecoder().decode(ModelDefaults.self, from: data)
            let multiple = defaults.sizeMultiple ?? finestMultiple
            guard (finestMultiple...256).contains(multiple), multiple.isMultiple(of: finestMultiple) else {
                throw PipelineError.model(
                    file: fileName, problem: "size_multiple is \(multiple), but must be a multiple of 16 up to 256")
            }
            return defaults
        } catch let error as PipelineError {
            throw error
        } catch {
            throw .model(file: fileName, problem: "is not valid: \(error)")
        }
    }
}
