import Foundation

/// Where the model is that comes with Mica.
enum ModelLocation {
    static let defaultName = "seedling"

    /// The folder that the user named, or the default model's.
    ///
    /// Searched in this order: `$MICA_MODELS`, `Models` beside the working directory, `Models` above the executable (a
    /// build inside of the repository), `../share/mica/models` beside the executable's folder (an installation).
    static func folder(_ path: String?) throws -> URL {
        if let path {
            let folder = URL(fileURLWithPath: path)
            guard isModel(folder) else { throw CommandError.noModel(folder: path) }
            return folder
        }
        let candidates = searchedFolders().map { $0.appendingPathComponent(defaultName) }
        if let found = candidates.first(where: isModel) { return found }
        throw CommandError.noDefaultModel(searched: candidates.map(\.path))
    }

    private static func isModel(_ folder: URL) -> Bool {
        FileManager.default.fileExists(atPath: folder.appendingPathComponent("model_index.json").path)
    }

    private static func searchedFolders() -> [URL] {
        var folders: [URL] = []
        if let named = ProcessInfo.processInfo.environment["MICA_MODELS"], !named.isEmpty {
            folders.append(URL(fileURLWithPath: named))
        }
        folders.append(URL(fileURLWithPath: FileManager.default.currentDirectoryPath).appendingPathComponent("Models"))
        let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        var above = executable.deletingLastPathComponent()
        folders.append(above.deletingLastPathComponent().appendingPathComponent("share/mica/models"))
        // <repository>/.build/<platform>/release/mica
        for _ in 0..<4 {
            above = above.deletingLastPathComponent()
            folders.append(above.appendingPathComponent("Models"))
        }
        return folders
    }
}
