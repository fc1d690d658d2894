import Foundation
import Glibc
import ImageCodecs
import ServiceAPI

/// The files of an earlier result in a folder, by the description that it left there.
enum FormerResult {
    /// What a folder's description is called: by `recompose` and `fit`, by `decompose`. If both are there, the first
    /// counts, so that what is written takes the other's place.
    static let descriptions = [ResultNames.manifest, ResultNames.description]
    /// What files of a result end in; a description that somebody has edited removes nothing else.
    private static let endings: Set<String> = ["png", "webp", "psd"]

    private struct Description: Decodable {
        struct Entry: Decodable {
            let file: String
        }

        let layers: [Entry]
        let psd: [Entry]?
        let sheets: [Entry]?
    }

    /// Names of the files and of the descriptions themselves, relative to the folder; none of a description that cannot
    /// be read.
    static func files(in folder: String) -> [String] {
        descriptions.flatMap { description -> [String] in
            guard
                let bytes = try? InputFile.read(folder + "/" + description, limit: LayerManifest.maximumByteCount),
                let former = try? JSONDecoder().decode(Description.self, from: Data(bytes))
            else { return [] }
            let entries = former.layers + (former.psd ?? []) + (former.sheets ?? [])
            return entries.map(\.file).filter(isPlain) + [description]
        }
    }

    /// Removes those of `names` that are files inside of the folder, and folders between that are empty then; nothing
    /// that was read.
    static func remove(_ names: Set<String>, in folder: String, except inputs: InputFiles) {
        guard let root = RealPath.of(folder) else { return }
        for name in names {
            let path = root + "/" + name
            let parent = (path as NSString).deletingLastPathComponent
            var status = stat()
            // Through a link the name would mean a file elsewhere.
            guard RealPath.of(parent) == parent, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
                !inputs.contains(path)
            else { continue }
            unlink(path)
            var group = parent
            while group.utf8.count > root.utf8.count, rmdir(group) == 0 {
                group = (group as NSString).deletingLastPathComponent
            }
        }
    }

    private static func isPlain(_ name: String) -> Bool {
        RelativePath.staysInside(name) && !name.utf8.contains(0) && endings.contains((name as NSString).pathExtension)
    }
}
