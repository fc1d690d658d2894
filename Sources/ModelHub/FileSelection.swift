import Glibc

/// Which files of a repository are wanted.
public struct FileSelection: Sendable {
    /// Shell patterns of paths that are wanted, `*` matching across folders; none: what Mica reads of a model.
    public var include: [String]
    /// Patterns of paths that are not wanted, whatever `include` says.
    public var exclude: [String]

    /// Patterns as shells know them.
    public init(include: [String] = [], exclude: [String] = []) {
        self.include = include
        self.exclude = exclude
    }

    /// What Mica reads of a model folder, and what people should: the card and the licence.
    private static let ofModels = ["*.json", "*.safetensors", "*.txt", "*.jinja", "README.md", "LICENSE*"]
    /// What the hub or git keeps for itself.
    private static let neverWanted = [".*", "*/.*"]

    /// Whether a path is wanted.
    public func contains(_ path: String) -> Bool {
        if include.isEmpty {
            guard Self.matches(path, Self.ofModels), !Self.matches(path, Self.neverWanted) else { return false }
        } else {
            guard Self.matches(path, include) else { return false }
        }
        return !Self.matches(path, exclude)
    }

    private static func matches(_ path: String, _ patterns: [String]) -> Bool {
        // A folder's name stands for all that is in it.
        patterns.contains { fnmatch($0.hasSuffix("/") ? $0 + "*" : $0, path, 0) == 0 }
    }
}
