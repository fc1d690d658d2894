import Foundation
import ImageCodecs
import LayerFitting
import QwenImage

/// Makes files of a result: PNGs, PSD, OpenRaster, slides, ZIP and the JSON that describes them.
public struct ResultEncoder: Sendable {
    private let result: LayeredResult
    private let options: FileOptions

    /// Encodes the layers of one job.
    public init(_ result: LayeredResult, options: FileOptions = FileOptions()) {
        self.result = result
        self.options = options
    }

    /// Pixels go out as the tree has them, to the last one: colour under full transparency is kept too.
    private static let exactly = PNGOptions(clearsTransparentColor: false)

    private var forms: ResultForms { ResultForms(description(), options: options) }

    /// The description, as JSON.
    public func manifest() -> [UInt8] { JSONText.bytes(description()) }

    /// The description without what differs from run to run, so that the same job gives the same bytes.
    func repeatableManifest() -> [UInt8] {
        var description = description()
        description.seconds = nil
        description.memory = nil
        return JSONText.bytes(description)
    }

    /// A PNG for each layer, bottom first, one image after the other, all of the canvas' size and without notes;
    /// written at the same time on all processors.
    public func layerParts() throws(ImageError) -> [ResultPart] {
        let places = result.pictures.enumerated().flatMap { image, tree in
            tree.layers.enumerated().map { (image: image, index: $0.offset, layer: $0.element) }
        }
        let encoded = try Parallel.map(places, with: { PNGWorkspace() }) { (place, workspace) throws(ImageError) in
            try PNGEncoder.encode(
                place.layer, width: result.width, height: result.height, options: Self.exactly, workspace: &workspace)
        }
        return Swift.zip(places, encoded).map { place, bytes in
            let name = layerPartName(image: place.image, index: place.index)
            return ResultPart(name: name, fileName: "\(name).png", mediaType: "image/png", bytes: bytes)
        }
    }

    /// A layered PSD for each image.
    public func psdParts() throws(ImageError) -> [ResultPart] {
        let encoded = try result.pictures.map { (tree) throws(ImageError) in try forms.psd(tree) }
        return encoded.enumerated().map { image, bytes in
            ResultPart(
                name: psdPartName(image: image), fileName: psdFileName(image: image),
                mediaType: ResultFormat.psd.mediaType, bytes: bytes)
        }
    }

    /// Everything: the description first, then the layers, then the PSDs.
    public func parts() throws(ImageError) -> [ResultPart] {
        let description = ResultPart(
            name: "result", fileName: nil, mediaType: ResultFormat.json.mediaType, bytes: manifest())
        return [description] + (try layerParts()) + (try psdParts())
    }

    /// What a folder holds: `result.json`, the layers as the options say, groups as folders, the PSDs, and, if they are
    /// asked for, contact sheets, which `result.json` names then.
    public func folder(withSheets: Bool = false) throws -> [(name: String, bytes: [UInt8])] {
        var description = description()
        var sheets: [(name: String, bytes: [UInt8])] = []
        if withSheets {
            sheets = try result.pictures.indices.map { image in
                (ResultNames.sheet(image: image, of: result.pictures.count), try file(.sheet, image: image))
            }
            description.sheets = sheets.enumerated().map {
                ResultManifest.Sheet(image: $0.offset + 1, file: $0.element.name)
            }
        }
        let layers = try archive(description).files(description: ResultNames.description)
        return layers + (try psdParts().map { ($0.fileName ?? $0.name, $0.bytes) }) + sheets
    }

    /// One file in a form that holds one picture, or all of them (`zip`, `pptx`, `json`).
    ///
    /// `image` is 0 for the first. Throws `ImageError`, and `ServiceError` for a layer that was lost.
    public func file(_ format: ResultFormat, image: Int = 0) throws -> [UInt8] {
        precondition(result.pictures.indices.contains(image), "there is no image \(image)")
        let tree = result.pictures[image]
        switch format {
        case .psd: return try forms.psd(tree)
        case .psb: return try forms.psd(tree, size: .large)
        case .ora: return try forms.openRaster(tree)
        case .sheet: return try forms.sheet(tree)
        case .pptx: return try forms.slides(result.pictures)
        case .zip: return try archive(description()).zip().bytes()
        case .json: return manifest()
        case .multipart, .mixed: preconditionFailure("a form of several parts")
        }
    }

    /// The layers with their notes, and the description.
    private func archive(_ description: ResultManifest) throws -> ResultArchive {
        var kept: [String: [UInt8]] = [:]
        if options.keepsLayers {
            for part in try layerParts() { kept[part.fileName ?? part.name] = part.bytes }
        }
        return try ResultArchive(description, options: options) { (name, notes) throws(ServiceError) in
            guard let bytes = kept[name] else { throw .damagedResult }
            return ResultBody(
                try ServiceError.whileEncoding { () throws(ImageError) in try PNGTexts.inserting(notes, into: bytes) })
        } tree: { image in
            result.pictures[image - 1]
        }
    }

    // MARK: Names

    private var hasSeveralImages: Bool { result.pictures.count > 1 }

    private func layerPartName(image: Int, index: Int) -> String {
        ResultNames.layer(index, image: image, of: result.pictures.count)
    }

    private func psdPartName(image: Int) -> String { hasSeveralImages ? "image_\(image + 1)_psd" : "psd" }

    private func psdFileName(image: Int) -> String { ResultNames.psd(image: image, of: result.pictures.count) }

    // MARK: Description

    func description() -> ResultManifest {
        let nodes = ManifestNodes(result.pictures) { layerPartName(image: $0, index: $1) }
        let psd = result.pictures.indices.map { image in
            ResultManifest.PSD(image: image + 1, part: psdPartName(image: image), file: psdFileName(image: image))
        }
        var seconds: [String: Double] = [:]
        for (stage, time) in result.stageSeconds {
            seconds[stage.rawValue, default: 0] += time
        }
        seconds["fit"] = result.fitSeconds
        return ResultManifest(
            model: result.modelName,
            loras: result.loras.isEmpty ? nil : result.loras.map { ResultManifest.AppliedLoRA($0) },
            width: result.width, height: result.height,
            seed: result.parameters.seed, fit: result.finish.fit, caption: result.caption,
            parameters: ResultManifest.Parameters(result.parameters), reusedPasses: result.reusedPasses,
            seconds: seconds.mapValues { ($0 * 1e4).rounded() / 1e4 },
            memory: ResultManifest.Memory(result.memory), layers: nodes.layers,
            groups: nodes.groups.isEmpty ? nil : nodes.groups, psd: psd)
    }
}
