import Foundation

/// Where the model is that comes with Mica.
enum ModelLocation {
    static let defaultName = "seedling"

    /// The folder that the user named, or the default model's.
    ///
    /// Searched in this order: `$MICA_MODELS`, `Models` beside the working directory, `Models` above the executable (a
    /// build inside of the repository), `../share/mica/models` beside the executable's folder (an installation).
    static func folder(_ path: String?) throws -> URL {
        if let path { return URL(fileURLWithPath: path) }
        let candidates = searchedFolders().map { $0.appendingPathComponent(defaultName) }
        let index = "model_index.json"
        if let found = candidates.first(where: {
            FileManager.default.fileExists(atPath: $0.appendingPathComponent(index).path)
        }) {
            return found
        }
        throw CommandError.noDefaultModel(searched: candidates.map(\.path))
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
