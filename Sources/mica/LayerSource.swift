import Foundation
import ImageCodecs
import ServiceAPI

/// Layers on disk: a PSD, PSB, OpenRaster file or ZIP, a manifest, or a folder with one.
struct LayerSource {
    let layers: LayerFile
    /// The paths of everything that was read.
    let paths: [String]
    private let path: String

    /// Everything that was read.
    var files: InputFiles { InputFiles(paths) }

    /// Reads the layers of image `image` (1 for the first); `-` is a file from standard input. Throws
    /// `CommandError.cannotRead`.
    init(_ path: String, image: Int = 1) throws {
        if let source = try Self(folderOrManifest: path, image: image) {
            self = source
        } else {
            try self.init(try Self.bytes(path), of: path, image: image)
        }
    }

    /// The layers of a manifest, or of a folder with one; nil for a file of another kind. Throws
    /// `CommandError.cannotRead`.
    init?(folderOrManifest path: String, image: Int = 1) throws {
        guard let manifest = try Self.manifest(path) else { return nil }
        self.path = path
        var paths: [String] = []
        do {
            layers = LayerFile(try Self.read(manifest: manifest, image: image, &paths))
        } catch let error as ImageError {
            // What is wrong is said of the manifest, and not of the folder that it is in.
            throw CommandError.cannotRead(path: manifest.path, reason: error.description)
        }
        self.paths = paths
    }

    /// The layers of a file that was read at `path`. Throws `CommandError.cannotRead`.
    init(_ bytes: [UInt8], of path: String, image: Int = 1) throws(CommandError) {
        self.path = path
        do {
            layers = try LayerFileReader.readFile(bytes, image: image)
        } catch {
            throw CommandError.cannotRead(path: path, reason: error.description)
        }
        paths = [path]
    }

    /// Layer `number`, 1 for the bottom one, ready to be split. Throws `CommandError.cannotRead`.
    func split(layer number: Int) throws -> LayerSplit {
        let tree = layers.tree.withoutFileGroup()
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

    /// The manifest that `path` is or has; nil for a file of layers.
    private static func manifest(_ path: String) throws -> URL? {
        guard path != InputFile.standardInput else { return nil }
        // Without dots, which links before them give another meaning.
        let url = URL(fileURLWithPath: RealPath.ofEntry(path))
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw CommandError.cannotRead(path: path, reason: "there is no such file")
        }
        guard isFolder.boolValue else { return url.pathExtension.lowercased() == "json" ? url : nil }
        for name in FormerResult.descriptions where FileManager.default.fileExists(atPath: path + "/" + name) {
            return url.appendingPathComponent(name)
        }
        let names = FormerResult.descriptions.joined(separator: " or ")
        throw CommandError.cannotRead(path: path, reason: "the folder has no \(names)")
    }

    /// Adds to `paths` what it reads.
    private static func read(manifest url: URL, image: Int, _ paths: inout [String]) throws -> LayerTree {
        let folder = url.deletingLastPathComponent()
        var read = [url.path]
        defer { paths += read }
        let manifest = try LayerManifest(try InputFile.read(url.path, limit: LayerManifest.maximumByteCount))
        return try manifest.tree(image: image) { (name) throws(ImageError) in
            // Nothing outside of the folder is read.
            guard RelativePath.staysInside(name) else {
                throw .invalidName(name, reason: "it is no file of the manifest's folder")
            }
            let path = Self.path(of: name, in: folder.path)
            let bytes: [UInt8]
            do throws(CommandError) {
                bytes = try InputFile.read(path, limit: DecodeOptions.defaultMaximumByteCount)
            } catch {
                throw .damaged(.layerManifest, detail: "the file \"\(name)\": \(error.reason)")
            }
            read.append(path)
            return bytes
        }
    }

    /// The path of a file whose name may be composed otherwise than its folder has it: some systems take letters with
    /// marks apart when files are copied to them.
    private static func path(of name: String, in folder: String) -> String {
        var path = folder
        for part in name.split(separator: "/") {
            let next = path + "/" + part
            if FileManager.default.fileExists(atPath: next) {
                path = next
                continue
            }
            let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            // Strings are equal if their letters are.
            path += "/" + (names.first { $0 == part } ?? String(part))
        }
        return path
    }

    private static func bytes(_ path: String) throws(CommandError) -> [UInt8] {
        try InputFile.read(path, limit: LayerReadOptions.defaultMaximumByteCount)
    }
}
