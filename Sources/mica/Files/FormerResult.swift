import Foundation
import Glibc
import ImageCodecs

/// The files of an earlier result in a folder, by the description that it left there.
enum FormerResult {
    /// What a folder's description is called: by `recompose` and `fit`, by `decompose`. If both are there, the first
    /// counts, so that what is written takes the other's place.
    static let descriptions = [LayerManifest.fileName, "result.json"]
    /// What files of a result end in; a description that somebody has edited removes nothing else.
    private static let endings: Set<String> = ["png", "webp", "psd"]

    private struct Description: Decodable {
        struct Entry: Decodable {
            let file: String
        }

        let layers: [Entry]
        let psd: [Entry]?
    }

    /// Names of the files and of the descriptions themselves, relative to the folder; none of a description that cannot
    /// be read.
    static func files(in folder: String) -> [String] {
        descriptions.flatMap { description -> [String] in
            guard
                let bytes = try? InputFile.read(folder + "/" + description, limit: LayerManifest.maximumByteCount),
                let former = try? JSONDecoder().decode(Description.self, from: Data(bytes))
            else { return [] }
            return (former.layers + (former.psd ?? [])).map(\.file).filter(isPlain) + [description]
        }
    }

    /// Removes those of `names` that are files inside of the folder, and folders between that are empty then.
    static func remove(_ names: Set<String>, in folder: String) {
        guard let root = RealPath.of(folder) else { return }
        for name in names {
            let path = root + "/" + name
            let parent = (path as NSString).deletingLastPathComponent
            var status = stat()
            // Through a link the name would mean a file elsewhere.
            guard RealPath.of(parent) == parent, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                continue
            }
            unlink(path)
            var group = parent
            while group.utf8.count > root.utf8.count, rmdir(group) == 0 {
                group = (group as NSString).deletingLastPathComponent
            }
        }
    }

    private static func isPlain(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        return !parts.contains { $0.isEmpty || $0 == "." || $0 == ".." } && !name.utf8.contains(0)
            && endings.contains((name as NSString).pathExtension)
    }
}
