import ArgumentParser
import Foundation
import ModelHub

/// Where the model is that comes with Mica.
enum ModelLocation {
    static let defaultName = "seedling"

    /// What `--model` takes.
    static let optionHelp = ArgumentHelp(
        """
        A repository that `mica pull` has fetched, such as Qwen/Qwen-Image-Layered, or a folder with model_index.json. \
        The model that comes with Mica if not given.
        """, valueName: "name")

    /// The folder that the user named, that of a repository that was fetched (`Qwen/Qwen-Image-Layered`), or the
    /// default model's, which has a name too.
    ///
    /// The latter is searched in this order: `$MICA_MODELS`, `Models` beside the working directory, `Models` above the
    /// executable (a build inside of the repository), `../share/mica/models` beside the executable's folder (an
    /// installation).
    static func folder(_ path: String?) throws -> URL {
        if let path {
            let folder = URL(fileURLWithPath: HomePath.expanded(path))
            guard PullRecord.of(folder: folder.path)?.isComplete ?? true else {
                throw CommandError.notPulled(repository: path, isBegun: true)
            }
            if isModel(folder) { return folder }
            // As `mica models` calls it.
            if path != defaultName || FileManager.default.fileExists(atPath: path) { return try fetched(path) }
        }
        let candidates = searchedFolders().map { $0.appendingPathComponent(defaultName) }
        if let found = candidates.first(where: isModel) { return found }
        throw CommandError.noDefaultModel(searched: candidates.map(\.path))
    }

    /// The folder of a repository by its name.
    private static func fetched(_ name: String) throws -> URL {
        guard !FileManager.default.fileExists(atPath: name), let repository = try? RepositoryName(name) else {
            throw CommandError.noModel(folder: name)
        }
        guard let model = LocalModels().find(repository) else {
            throw CommandError.notPulled(repository: name, isBegun: false)
        }
        guard model.isComplete else { throw CommandError.notPulled(repository: name, isBegun: true) }
        return URL(fileURLWithPath: model.folder)
    }

    private static func isModel(_ folder: URL) -> Bool {
        FileManager.default.fileExists(atPath: folder.appendingPathComponent("model_index.json").path)
    }

    private static func searchedFolders() -> [URL] {
        var folders: [URL] = []
        if let named = ProcessInfo.processInfo.environment["MICA_MODELS"], !named.isEmpty {
            folders.append(URL(fileURLWithPath: HomePath.expanded(named)))
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
