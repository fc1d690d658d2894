import Foundation
import Weights

/// How a picture is brought into the vision tower: the `processor` folder's `processor_config.json` (newer, under
/// `image_processor`) or `preprocessor_config.json` (older).
///
/// Source: transformers 5.23, `image_processing_base.get_image_processor_dict` and `Qwen2VLImageProcessor`.
public struct ImagePreprocessorConfiguration: Sendable, Equatable {
    /// Fewest pixels of the resized picture.
    public let minPixels: Int
    /// Most pixels of the resized picture.
    public let maxPixels: Int
    /// Side of a patch in pixels.
    public let patchSize: Int
    /// Frames of a patch; a still picture is taken this often.
    public let temporalPatchSize: Int
    /// Patches along each side of a merged token.
    public let mergeSize: Int
    /// What a channel's values 0...255 are multiplied with before normalisation.
    public let rescaleFactor: Double
    /// Mean of each channel's rescaled values.
    public let imageMean: [Double]
    /// Standard deviation of each channel's rescaled values.
    public let imageStd: [Double]

    static let newerFileName = "processor_config.json"
    static let olderFileName = "preprocessor_config.json"

    /// The largest picture that is prepared, in pixels: five times the published `max_pixels`.
    static let pixelLimit = 1 << 26

    /// Reads the configuration in a `processor` folder. Throws `model` or `weights` with what is missing or not
    /// supported.
    public init(folder: URL) throws(PipelineError) {
        let newer = folder.appendingPathComponent(Self.newerFileName)
        if FileManager.default.fileExists(atPath: newer.path) {
            let name = "\(folder.lastPathComponent)/\(Self.newerFileName)"
            let stored = try PipelineError.converting { () throws(WeightsError) in
                try ConfigurationFile.read(StoredProcessor.self, from: newer, name: name)
            }
            if let imageProcessor = stored.imageProcessor {
                try self.init(imageProcessor, file: name)
                return
            }
        }
        let name = "\(folder.lastPathComponent)/\(Self.olderFileName)"
        let stored = try PipelineError.converting { () throws(WeightsError) in
            try ConfigurationFile.read(
                StoredImageProcessor.self, from: folder.appendingPathComponent(Self.olderFileName), name: name)
        }
        try self.init(stored, file: name)
    }

    init(_ stored: StoredImageProcessor, file: String) throws(PipelineError) {
        let check = ConfigurationCheck(file: file)
        // `min_pixels` and `max_pixels` beside `size` win over it, as in the reference.
        minPixels = try check.value(
            "min_pixels", stored.minPixels ?? stored.size?.shortestEdge ?? stored.size?.minPixels,
            1...Self.pixelLimit, default: 56 * 56)
        maxPixels = try check.value(
            "max_pixels", stored.maxPixels ?? stored.size?.longestEdge ?? stored.size?.maxPixels,
            1...Self.pixelLimit, default: 28 * 28 * 1280)
        patchSize = try check.value("patch_size", stored.patchSize, 1...256, default: 14)
        temporalPatchSize = try check.value("temporal_patch_size", stored.temporalPatchSize, 1...16, default: 2)
        mergeSize = try check.value("merge_size", stored.mergeSize, 1...16, default: 2)
        rescaleFactor = try check.value("rescale_factor", stored.rescaleFactor, 1e-6...1e6, default: 1.0 / 255)
        imageMean = stored.imageMean ?? [0.48145466, 0.4578275, 0.40821073]
        imageStd = stored.imageStd ?? [0.26862954, 0.26130258, 0.27577711]
        try check.require(minPixels <= maxPixels, "min_pixels \(minPixels) is more than max_pixels \(maxPixels)")
        try check.require(
            imageMean.count == 3 && imageStd.count == 3 && imageStd.allSatisfy { $0 > 0 },
            "image_mean and image_std must have three numbers each, those of image_std above 0")
        // 3 is Pillow's number of bicubic.
        let resample = stored.resample ?? 3
        try check.require(resample == 3, "resample \(resample) is not supported, 3 (bicubic) is")
        let switches = [stored.doResize, stored.doRescale, stored.doNormalize, stored.doConvertRGB]
        try check.require(
            switches.allSatisfy { $0 ?? true },
            "do_resize, do_rescale, do_normalize and do_convert_rgb must be true: the model was trained with them")
    }
}

/// `processor_config.json` as it is written.
private struct StoredProcessor: Decodable {
    let imageProcessor: StoredImageProcessor?

    enum CodingKeys: String, CodingKey {
        case imageProcessor = "image_processor"
    }
}

/// The image processor's keys as they are written.
struct StoredImageProcessor: Decodable {
    struct Size: Decodable {
        let shortestEdge: Int?
        let longestEdge: Int?
        let minPixels: Int?
        let maxPixels: Int?

        enum CodingKeys: String, CodingKey {
            case shortestEdge = "shortest_edge"
            case longestEdge = "longest_edge"
            case minPixels = "min_pixels"
            case maxPixels = "max_pixels"
        }
    }

    let minPixels: Int?
    let maxPixels: Int?
    let size: Size?
    let patchSize: Int?
    let temporalPatchSize: Int?
    let mergeSize: Int?
    let rescaleFactor: Double?
    let imageMean: [Double]?
    let imageStd: [Double]?
    let resample: Int?
    let doResize: Bool?
    let doRescale: Bool?
    let doNormalize: Bool?
    let doConvertRGB: Bool?

    enum CodingKeys: String, CodingKey {
        case minPixels = "min_pixels"
        case maxPixels = "max_pixels"
        case size
        case patchSize = "patch_size"
        case temporalPatchSize = "temporal_patch_size"
        case mergeSize = "merge_size"
        case rescaleFactor = "rescale_factor"
        case imageMean = "image_mean"
        case imageStd = "image_std"
        case resample
        case doResize = "do_resize"
        case doRescale = "do_rescale"
        case doNormalize = "do_normalize"
        case doConvertRGB = "do_convert_rgb"
    }
}
