import Foundation

/// The project's own text files, found from where this file was compiled.
enum SourceTree {
    /// Folders that hold no text of ours: builds, other tools' state, data.
    private static let skippedFolders: Set<String> = [
        ".build", ".git", ".venv", "__pycache__", "Fixtures", "Models", "out",
    ]
    private static let textExtensions: Set<String> = [
        "swift", "c", "h", "modulemap", "py", "sh", "md", "yaml", "yml", "json", "toml", "txt", "html", "css", "js",
    ]
    private static let textNames: Set<String> = ["Makefile", "Dockerfile", "run", ".gitignore"]

    /// The package's folder: three levels above this file.
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// All of them, by path.
    static let files: [SourceFile] = paths(in: root).sorted().compactMap { path in
        guard let text = try? String(contentsOf: root.appendingPathComponent(path), encoding: .utf8) else { return nil }
        return SourceFile(path: path, text: text)
    }

    private static func paths(in root: URL) -> [String] {
        guard let walk = FileManager.default.enumerator(atPath: root.path) else { return [] }
        var found: [String] = []
        while let path = walk.nextObject() as? String {
            let name = (path as NSString).lastPathComponent
            if skippedFolders.contains(name) {
                walk.skipDescendants()
            } else if textExtensions.contains((path as NSString).pathExtension) || textNames.contains(name) {
                found.append(path)
            }
        }
        return found
    }
}
