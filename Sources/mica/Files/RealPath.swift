import Glibc

/// Paths behind all links.
enum RealPath {
    /// The path of what is there, without links and dots; nil if nothing is.
    static func of(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
