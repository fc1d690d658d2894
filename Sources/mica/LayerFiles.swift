import Foundation
import ImageCodecs
import QwenImage

/// The files of a result.
enum LayerFiles {
    /// The reference's pixels to the last one: colour under full transparency is the model's too.
    private static let exactly = PNGOptions(clearsTransparentColor: false)

    /// What is written for `target`: PNGs and PSDs in a folder, or one PSD or ZIP (one an image, if there are several).
    static func files(of result: Decomposition, for target: OutputTarget) throws -> [(name: String, bytes: [UInt8])] {
        let stem = target.url.deletingPathExtension().lastPathComponent
        let many = result.images.count > 1
        switch target.kind {
        case .folder:
            return try result.images.enumerated().flatMap { index, layers in
                try folderFiles(layers, prefix: many ? "image_\(index + 1)_" : "")
            }
        case .psd:
            return try result.images.enumerated().map { index, layers in
                (many ? "\(stem)-\(index + 1).psd" : target.url.lastPathComponent, try psd(layers))
            }
        case .zip:
            var zip = ZIPWriter()
            for (index, layers) in result.images.enumerated() {
                for file in try folderFiles(layers, prefix: many ? "image_\(index + 1)_" : "") {
                    try zip.add(file.name, file.bytes, compression: .stored)
                }
            }
            return [(target.url.lastPathComponent, zip.finish())]
        }
    }

    private static func folderFiles(_ layers: [PixelBuffer], prefix: String) throws -> [(name: String, bytes: [UInt8])] {
        var files = try layers.enumerated().map { index, layer in
            (name: "\(prefix)layer_\(index + 1).png", bytes: try PNGEncoder.encode(layer, options: exactly))
        }
        files.append(("\(prefix)layers.psd", try psd(layers)))
        return files
    }

    private static func psd(_ layers: [PixelBuffer]) throws -> [UInt8] {
        try PSDWriter.encode(
            layers.enumerated().map { index, layer in
                ImageLayer(name: index == 0 ? "background" : "layer \(index + 1)", pixels: layer)
            })
    }
}
