import Foundation

/// Models that are on this machine under a repository's name: fetched by `mica pull`, or by others into the hub's
/// cache.
public struct LocalModels: Sendable {
    /// Who keeps models on this machine.
    public enum Keeper: String, Sendable, Codable {
        /// `mica pull`.
        case mica
        /// The cache of huggingface_hub.
        case huggingfaceHub = "huggingface_hub"
    }

    /// A model that is here.
    public struct Model: Sendable, Equatable {
        /// Whose and which.
        public let repository: RepositoryName
        /// Its folder.
        public let folder: String
        /// False if files that were chosen are still to come.
        public let isComplete: Bool
        /// Whose folder it is in.
        public let keeper: Keeper
    }

    /// Where `mica pull` puts models: `$MICA_MODELS`, or `mica/models` in the user's data folder
    /// (XDG Base Directory Specification: `$XDG_DATA_HOME`, by default `~/.local/share`).
    public let ownFolder: String
    /// Where huggingface_hub keeps what it has fetched: `$HF_HUB_CACHE`, `$HF_HOME/hub`, or `~/.cache/huggingface/hub`.
    public let hubCache: String
    /// Where its token is, too: `$HF_HOME`, or `~/.cache/huggingface`.
    public let hubHome: String

    /// The folders that the environment's variables name, `~` at their start being the user's, as huggingface_hub has
    /// it.
    public init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        func folder(_ name: String) -> String? {
            environment[name].flatMap { $0.isEmpty ? nil : HomePath.expanded($0, environment: environment) }
        }
        let home = folder("HOME") ?? "/"
        let data = folder("XDG_DATA_HOME") ?? "\(home)/.local/share"
        ownFolder = folder("MICA_MODELS") ?? "\(data)/mica/models"
        let cache = folder("XDG_CACHE_HOME") ?? "\(home)/.cache"
        hubHome = folder("HF_HOME") ?? "\(cache)/huggingface"
        hubCache = folder("HF_HUB_CACHE") ?? folder("HUGGINGFACE_HUB_CACHE") ?? "\(hubHome)/hub"
    }

    /// Where a repository's model is put.
    public func place(_ repository: RepositoryName) -> String { "\(ownFolder)/\(repository)" }

    /// A repository's model, our own before the cache's; nil if it is not here.
    public func find(_ repository: RepositoryName) -> Model? {
        let own = place(repository)
        if Self.isModel(own) || PullRecord.of(folder: own) != nil {
            let isComplete = PullRecord.of(folder: own)?.isComplete ?? true
            return Model(repository: repository, folder: own, isComplete: isComplete, keeper: .mica)
        }
        return cached(repository)
    }

    /// All models that are here, by name; a repository that is here twice comes once, as `find` has it.
    public func all() -> [Model] {
        var names: Set<RepositoryName> = []
        for owner in Self.names(ownFolder) {
            for name in Self.names("\(ownFolder)/\(owner)") {
                if let repository = try? RepositoryName("\(owner)/\(name)") { names.insert(repository) }
            }
        }
        let prefix = "models--"
        for entry in Self.names(hubCache) where entry.hasPrefix(prefix) {
            // An owner's name has no two dashes in a row.
            let text = String(entry.dropFirst(prefix.count)).replacingOccurrences(of: "--", with: "/")
            if let repository = try? RepositoryName(text) { names.insert(repository) }
        }
        return names.compactMap(find).sorted { $0.repository.description < $1.repository.description }
    }

    /// The snapshot of the main branch, or else the newest one.
    private func cached(_ repository: RepositoryName) -> Model? {
        let folder = "\(hubCache)/models--\(repository.owner)--\(repository.name)"
        let main = FileManager.default.contents(atPath: "\(folder)/refs/main").map {
            String(decoding: $0, as: UTF8.self)
        }
        let snapshots = Self.names("\(folder)/snapshots").map { "\(folder)/snapshots/\($0)" }.filter(Self.isModel)
        let newest = snapshots.max { Self.changed($0) < Self.changed($1) }
        let chosen = snapshots.first { $0 == "\(folder)/snapshots/\(main ?? "")" } ?? newest
        return chosen.map { Model(repository: repository, folder: $0, isComplete: true, keeper: .huggingfaceHub) }
    }

    private static func isModel(_ folder: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(folder)/model_index.json")
    }

    private static func changed(_ path: String) -> Date {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return attributes?[.modificationDate] as? Date ?? .distantPast
    }

    private static func names(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }
}
