import Foundation
import ImageCodecs
import QwenImage

/// Makes files of a decomposition: PNGs, PSD, ZIP and the JSON that describes them.
public struct ResultEncoder: Sendable {
    private let decomposition: Decomposition
    private let modelName: String

    /// Encodes the layers of one job.
    public init(_ decomposition: Decomposition, modelName: String) {
        self.decomposition = decomposition
        self.modelName = modelName
    }

    /// The name of a layer, 0 being the bottom one.
    public static func layerName(_ index: Int) -> String { index == 0 ? "background" : "layer \(index + 1)" }

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
        let places = decomposition.images.enumerated().flatMap { image, layers in
            layers.indices.map { (image: image, index: $0) }
        }
        let encoded = try Parallel.map(places, with: { PNGWorkspace() }) { (place, workspace) throws(ImageError) in
            try PNGEncoder.encode(
                decomposition.images[place.image][place.index], options: Self.exactly, workspace: &workspace)
        }
        return Swift.zip(places, encoded).map { place, bytes in
            let name = layerPartName(image: place.image, index: place.index)
            return ResultPart(name: name, fileName: "\(name).png", mediaType: "image/png", bytes: bytes)
        }
    }

    /// A layered PSD for each image.
    public func psdParts() throws(ImageError) -> [ResultPart] {
        let encoded = try Parallel.map(decomposition.images) { (layers) throws(ImageError) in
            try PSDWriter.encode(
                layers.enumerated().map { ImageLayer(name: Self.layerName($0.offset), pixels: $0.element) })
        }
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

    private var hasSeveralImages: Bool { decomposition.images.count > 1 }

    private func layerPartName(image: Int, index: Int) -> String {
        hasSeveralImages ? "image_\(image + 1)_layer_\(index + 1)" : "layer_\(index + 1)"
    }

    private func psdPartName(image: Int) -> String { hasSeveralImages ? "image_\(image + 1)_psd" : "psd" }

    private func psdFileName(image: Int) -> String { hasSeveralImages ? "image_\(image + 1).psd" : "layers.psd" }

    // MARK: Description

    func description() -> ResultManifest {
        var layers: [ResultManifest.Layer] = []
        var psd: [ResultManifest.PSD] = []
        for (image, stack) in decomposition.images.enumerated() {
            for (index, pixels) in stack.enumerated() {
                let part = layerPartName(image: image, index: index)
                layers.append(
                    ResultManifest.Layer(
                        image: image + 1, index: index + 1, name: Self.layerName(index), part: part,
                        file: "\(part).png", box: Self.box(of: pixels)))
            }
            psd.append(
                ResultManifest.PSD(
                    image: image + 1, part: psdPartName(image: image), file: psdFileName(image: image)))
        }
        var seconds: [String: Double] = [:]
        for (stage, time) in decomposition.stageSeconds {
            seconds[stage.rawValue, default: 0] += time
        }
        return ResultManifest(
            model: modelName, width: decomposition.width, height: decomposition.height,
            seed: decomposition.parameters.seed, caption: decomposition.caption,
            parameters: ResultManifest.Parameters(decomposition.parameters),
            seconds: seconds.mapValues { ($0 * 1e4).rounded() / 1e4 }, layers: layers, psd: psd)
    }

    /// The smallest box around every pixel that is not fully transparent; nil if there is none.
    static func box(of pixels: PixelBuffer) -> ResultManifest.Box? {
        let (width, bytes) = (pixels.width, pixels.bytes)
        var (left, right, top, bottom) = (width, -1, -1, -1)
        for y in 0..<pixels.height {
            let row = y * width
            guard let first = (0..<width).first(where: { bytes[(row + $0) * 4 + 3] != 0 }) else { continue }
            if top < 0 { top = y }
            bottom = y
            left = min(left, first)
            // Only what lies right of the known edge can move it.
            var x = width - 1
            while x > right, bytes[(row + x) * 4 + 3] == 0 { x -= 1 }
            right = max(right, x)
        }
        guard top >= 0 else { return nil }
        return ResultManifest.Box(x: left, y: top, width: right - left + 1, height: bottom - top + 1)
    }
}
