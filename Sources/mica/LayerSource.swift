import Foundation
import ImageCodecs
import ServiceAPI

/// Layers on disk: a PSD, PSB, OpenRaster file or ZIP, a manifest, or a folder with one.
enum LayerSource {
    /// What a folder's description may be called, the first that is there counts.
    private static let manifests = [LayerManifest.fileName, "result.json"]

    /// Reads the layers of image `image` (1 for the first); `-` is a file from standard input. Throws
    /// `CommandError.cannotRead`.
    static func read(_ path: String, image: Int = 1) throws -> LayerFile {
        let url = URL(fileURLWithPath: path)
        var isFolder: ObjCBool = false
        do {
            if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
                for name in manifests where FileManager.default.fileExists(atPath: path + "/" + name) {
                    return LayerFile(try read(manifest: url.appendingPathComponent(name), image: image))
                }
                throw CommandError.cannotRead(
                    path: path, reason: "the folder has no \(manifests.joined(separator: " or "))")
            }
            if url.pathExtension.lowercased() == "json" { return LayerFile(try read(manifest: url, image: image)) }
            return try LayerFileReader.readFile(try bytes(path), image: image)
        } catch let error as ImageError {
            throw CommandError.cannotRead(path: path, reason: error.description)
        }
    }

    /// Layer `number` of what `path` has, 1 for the bottom one, ready to be split. Throws `CommandError.cannotRead`.
    static func split(_ path: String, layer number: Int) throws -> LayerSplit {
        let tree = try read(path).tree.withoutFileGroup()
        do {
            if let split = try LayerSplit(tree, index: number - 1) { return split }
        } catch {
            throw CommandError.cannotRead(path: path, reason: error.description)
        }
        throw CommandError.cannotRead(
            path: path,
            reason: tree.layers.indices.contains(number - 1)
                ? "layer \(number) holds nothing that could be split"
                : "it has no layer \(number), but 1 to \(tree.layers.count)")
    }

    private static func read(manifest url: URL, image: Int) throws -> LayerTree {
        let folder = url.deletingLastPathComponent()
        return try LayerManifest(try bytes(url.path)).tree(image: image) { (name) throws(ImageError) in
            // Nothing outside of the folder is read.
            let parts = name.split(separator: "/", omittingEmptySubsequences: false)
            guard !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else {
                throw .invalidName(name, reason: "it is no file of the manifest's folder")
            }
            do throws(CommandError) {
                return try InputFile.read(
                    folder.appendingPathComponent(name).path, limit: DecodeOptions.defaultMaximumByteCount)
            } catch {
                throw .damaged(.layerManifest, detail: "the file \"\(name)\": \(error.reason)")
            }
        }
    }

    private static func bytes(_ path: String) throws(CommandError) -> [UInt8] {
        try InputFile.read(path, limit: LayerReadOptions.defaultMaximumByteCount)
    }
}
