import Foundation
import ImageCodecs
import ServiceAPI

/// A result that `mica decompose` wrote into a folder.
enum PreviousResult {
    private static let fileName = "result.json"

    private struct Description: Decodable {
        struct Layer: Decodable {
            let image: Int
            let name: String
            let groups: [String]?
            let file: String
        }

        let width: Int
        let height: Int
        let layers: [Layer]
    }

    /// The picture that `folder` holds, the first one if there are several. Throws `CommandError.cannotRead`.
    static func read(_ folder: String) throws -> LayerTree {
        let url = URL(fileURLWithPath: folder)
        let file = url.appendingPathComponent(fileName)
        guard let data = FileManager.default.contents(atPath: file.path) else {
            throw CommandError.cannotRead(
                path: folder, reason: "with --layer it must be a folder that mica decompose wrote, with \(fileName)")
        }
        guard let description = try? JSONDecoder().decode(Description.self, from: data) else {
            throw CommandError.cannotRead(path: file.path, reason: "it is not a result of mica decompose")
        }
        var paths: [(groups: [String], layer: ImageLayer)] = []
        for layer in description.layers where layer.image == 1 {
            // A name is a name: nothing outside of the folder is read.
            guard !layer.file.contains("/") else {
                throw CommandError.cannotRead(path: file.path, reason: "'\(layer.file)' is no file of its folder")
            }
            let pixels = try PictureFile.read(url.appendingPathComponent(layer.file).path)
            paths.append((layer.groups ?? [], ImageLayer(name: layer.name, pixels: pixels).trimmed()))
        }
        do {
            return try LayerTree(width: description.width, height: description.height, paths: paths)
        } catch {
            throw CommandError.cannotRead(path: file.path, reason: error.description)
        }
    }

    /// Layer `number` of it, 1 for the bottom one, ready to be split.
    static func split(_ folder: String, layer number: Int) throws -> LayerSplit {
        let tree = try read(folder)
        guard let split = try LayerSplit(tree, index: number - 1) else {
            throw CommandError.cannotRead(
                path: folder,
                reason: tree.layers.indices.contains(number - 1)
                    ? "layer \(number) holds nothing that could be split"
                    : "it has no layer \(number), but 1 to \(tree.layers.count)")
        }
        return split
    }
}
