import Foundation
import ImageCodecs
import LayerFitting
import QwenImage

/// Makes files of a result: PNGs, PSD, ZIP and the JSON that describes them.
public struct ResultEncoder: Sendable {
    private let result: LayeredResult

    /// Encodes the layers of one job.
    public init(_ result: LayeredResult) {
        self.result = result
    }

    /// Pixels go out as the reference has them, to the last one:
    /// the model's colour under full transparency is kept too.
    private static let exactly = PNGOptions(clearsTransparentColor: false)

    /// The description, as JSON.
    public func manifest() -> [UInt8] { JSONText.bytes(description()) }

    /// The description without what differs from run to run, so that the same job gives the same bytes.
    func repeatableManifest() -> [UInt8] {
        var description = description()
        description.seconds = nil
        return JSONText.bytes(description)
    }

    /// A PNG for each layer, bottom first, one image after the other; written at the same time on all processors.
    public func layerParts() throws(ImageError) -> [ResultPart] {
        let places = result.pictures.enumerated().flatMap { image, tree in
            tree.layers.enumerated().map { (image: image, index: $0.offset, layer: $0.element) }
        }
        let encoded = try Parallel.map(places, with: { PNGWorkspace() }) { (place, workspace) throws(ImageError) in
            try PNGEncoder.encode(
                place.layer.onCanvas(width: result.width, height: result.height), options: Self.exactly,
                workspace: &workspace)
        }
        return Swift.zip(places, encoded).map { place, bytes in
            let name = layerPartName(image: place.image, index: place.index)
            return ResultPart(name: name, fileName: "\(name).png", mediaType: "image/png", bytes: bytes)
        }
    }

    /// A layered PSD for each image.
    public func psdParts() throws(ImageError) -> [ResultPart] {
        let encoded = try result.pictures.map { (tree) throws(ImageError) in try PSDWriter.encode(tree) }
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

    /// A ZIP of `manifest.json` and the PNGs; the same bytes for the same job.
    public func zip() throws(ImageError) -> [UInt8] {
        var writer = ZIPWriter()
        try writer.add("manifest.json", repeatableManifest(), compression: .deflated)
        for part in try layerParts() {
            // PNGs are compressed already.
            try writer.add(part.fileName ?? part.name, part.bytes, compression: .stored)
        }
        return writer.finish()
    }

    // MARK: Names

    private var hasSeveralImages: Bool { result.pictures.count > 1 }

    private func layerPartName(image: Int, index: Int) -> String {
        hasSeveralImages ? "image_\(image + 1)_layer_\(index + 1)" : "layer_\(index + 1)"
    }

    private func psdPartName(image: Int) -> String { hasSeveralImages ? "image_\(image + 1)_psd" : "psd" }

    private func psdFileName(image: Int) -> String { hasSeveralImages ? "image_\(image + 1).psd" : "layers.psd" }

    // MARK: Description

    func description() -> ResultManifest {
        var layers: [ResultManifest.Layer] = []
        var psd: [ResultManifest.PSD] = []
        for (image, tree) in result.pictures.enumerated() {
            for (index, (groups, layer)) in tree.paths.enumerated() {
                let part = layerPartName(image: image, index: index)
                layers.append(
                    ResultManifest.Layer(
                        image: image + 1, index: index + 1, name: layer.name, groups: groups.isEmpty ? nil : groups,
                        part: part, file: "\(part).png", box: Self.box(of: layer)))
            }
            psd.append(
                ResultManifest.PSD(
                    image: image + 1, part: psdPartName(image: image), file: psdFileName(image: image)))
        }
        var seconds: [String: Double] = [:]
        for (stage, time) in result.stageSeconds {
            seconds[stage.rawValue, default: 0] += time
        }
        seconds["fit"] = result.fitSeconds
        return ResultManifest(
            model: result.modelName, width: result.width, height: result.height,
            seed: result.parameters.seed, fit: result.finish.fit, caption: result.caption,
            parameters: ResultManifest.Parameters(result.parameters),
            seconds: seconds.mapValues { ($0 * 1e4).rounded() / 1e4 }, layers: layers, psd: psd)
    }

    /// The smallest box around every pixel that is not fully transparent; nil if there is none.
    private static func box(of layer: ImageLayer) -> ResultManifest.Box? {
        guard let box = layer.visibleBox else { return nil }
        return ResultManifest.Box(x: box.x, y: box.y, width: box.width, height: box.height)
    }
}
