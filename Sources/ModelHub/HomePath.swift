import Foundation

/// `~` at the start of a path: shells expand it, but what stands in a variable or in a file comes as it was written.
public enum HomePath {
    /// The path with `$HOME` in place of a `~` that it begins with, as Python's `os.path.expanduser` has it. Any other
    /// path stays as it is, `~name` for the folder of somebody else too, and so do all without a `$HOME`.
    public static func expanded(
        _ path: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> String {
        guard path == "~" || path.hasPrefix("~/"), let home = environment["HOME"], !home.isEmpty else { return path }
        let whole = (home.hasSuffix("/") ? String(home.dropLast()) : home) + path.dropFirst()
        // A container's `HOME` may be the root.
        return whole.isEmpty ? "/" : whole
    }
}
