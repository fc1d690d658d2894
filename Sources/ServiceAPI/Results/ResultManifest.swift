import ImageCodecs
import LayerFitting
import QwenImage

/// What a result says of itself, as JSON.
struct ResultManifest: Codable, Sendable {
    /// The pixels of a layer that are not fully transparent.
    struct Box: Codable, Sendable, Equatable {
        let x: Int
        let y: Int
        let width: Int
        let height: Int
    }

    struct Layer: Codable, Sendable {
        /// 1 for the first result.
        let image: Int
        /// 1 for the bottom layer.
        let index: Int
        let name: String
        /// The groups around it, outermost first; nil without any.
        var groups: [String]?
        /// The multipart part's name.
        let part: String
        var file: String
        /// Nil if the layer is empty.
        let box: Box?
        /// Where the file's first pixel is on the canvas; nil at its corner.
        var x: Int?
        var y: Int?
        /// From 0 to 1; nil for 1.
        var opacity: Double?
        /// Nil if it is.
        var visible: Bool?
        /// Nil for `normal`.
        var blendMode: String?
        /// Whether it shows only where the layer below does; nil if not.
        var clipped: Bool?
        /// The `id` of the group it is in.
        var group: Int?
        /// The PNG in base64, where the JSON is all that is sent.
        var png: String?

        private enum CodingKeys: String, CodingKey {
            case image, index, name, groups, part, file, box, x, y, opacity, visible, clipped, group, png
            case blendMode = "blend_mode"
        }
    }

    /// What was applied to the transformer.
    struct AppliedLoRA: Codable, Sendable {
        let name: String
        let weight: Double

        init(_ lora: LoRA) {
            name = lora.name
            weight = lora.weight
        }
    }

    struct PSD: Codable, Sendable {
        let image: Int
        let part: String
        let file: String
    }

    /// A contact sheet, where the command writes one into a folder.
    struct Sheet: Codable, Sendable {
        let image: Int
        let file: String
    }

    /// Named as the request's fields.
    struct Parameters: Codable, Sendable {
        let prompt: String?
        let negativePrompt: String?
        let trueCFGScale: Double
        let layers: Int
        let numInferenceSteps: Int
        let resolution: Int
        let cfgNormalize: Bool
        let useEnPrompt: Bool
        let numImagesPerPrompt: Int
        /// Nil among the defaults.
        let seed: UInt64?
        let generator: String
        let dtype: String
        let maxSequenceLength: Int
        /// Nil where every step computes all blocks.
        let firstBlockCache: Double?

        enum CodingKeys: String, CodingKey {
            case prompt
            case negativePrompt = "negative_prompt"
            case trueCFGScale = "true_cfg_scale"
            case layers
            case numInferenceSteps = "num_inference_steps"
            case resolution
            case cfgNormalize = "cfg_normalize"
            case useEnPrompt = "use_en_prompt"
            case numImagesPerPrompt = "num_images_per_prompt"
            case seed
            case generator
            case dtype
            case maxSequenceLength = "max_sequence_length"
            case firstBlockCache = "first_block_cache"
        }

        init(_ parameters: DecompositionParameters, withSeed: Bool = true) {
            prompt = parameters.prompt
            negativePrompt = parameters.negativePrompt
            trueCFGScale = parameters.trueCFGScale
            layers = parameters.layers
            numInferenceSteps = parameters.numInferenceSteps
            resolution = parameters.resolution
            cfgNormalize = parameters.cfgNormalize
            useEnPrompt = parameters.useEnPrompt
            numImagesPerPrompt = parameters.numImagesPerPrompt
            seed = withSeed ? parameters.seed : nil
            generator = parameters.generator.rawValue
            dtype = parameters.dtype.rawValue
            maxSequenceLength = parameters.maxSequenceLength
            firstBlockCache = parameters.firstBlockCache
        }
    }

    /// Where weights lived, and what the job held and moved; see `JobMemory`.
    struct Memory: Codable, Sendable {
        let plan: String
        let peakBytes: Int
        let readBytes: Int
        let movedBytes: Int
        let transferredBytes: Int

        enum CodingKeys: String, CodingKey {
            case plan
            case peakBytes = "peak_bytes"
            case readBytes = "read_bytes"
            case movedBytes = "moved_bytes"
            case transferredBytes = "transferred_bytes"
        }

        init(_ memory: JobMemory) {
            plan = memory.plan
            peakBytes = memory.peakBytes
            readBytes = memory.readBytes
            movedBytes = memory.movedBytes
            transferredBytes = memory.transferredBytes
        }
    }

    let model: String
    /// Nil without any.
    let loras: [AppliedLoRA]?
    let width: Int
    let height: Int
    let seed: UInt64
    /// Whose size the layers have; nil in results of older releases.
    let fit: LayerFinish.Fit?
    /// What the model wrote about the picture, if it did.
    let caption: String?
    let parameters: Parameters
    /// Nil without a first block cache.
    let reusedPasses: Int?
    /// Wall seconds by stage; nil in a ZIP, whose bytes are the same for the same job.
    var seconds: [String: Double]?
    /// Nil in a ZIP too: what is read depends on what was kept from the job before.
    var memory: Memory?
    var layers: [Layer]
    /// Nil without any.
    var groups: [LayerManifest.Group]?
    /// Empty in a ZIP, which holds no PSD.
    var psd: [PSD]
    /// Nil but in a folder with contact sheets.
    var sheets: [Sheet]?

    enum CodingKeys: String, CodingKey {
        case model, loras, width, height, seed, fit, caption, parameters, seconds, memory, layers, groups, psd, sheets
        case reusedPasses = "reused_passes"
    }
}
