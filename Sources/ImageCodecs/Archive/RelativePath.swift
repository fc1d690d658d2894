/// Names of files that a manifest or an archive gives.
package enum RelativePath {
    /// Whether a path has parts between slashes of which none is empty or a dot or two: it stays in its folder.
    package static func staysInside(_ path: String) -> Bool {
        !path.split(separator: "/", omittingEmptySubsequences: false).contains { $0.isEmpty || $0 == "." || $0 == ".." }
    }
}
