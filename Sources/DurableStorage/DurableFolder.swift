import Glibc

/// A folder whose entries last.
public enum DurableFolder {
    /// Makes the folder, and those above it, for this user alone, unless it is there. Throws `readOnly`, `full`, `io`.
    public static func create(_ path: String) throws(StorageError) {
        _ = try make(path)
    }

    /// Whether files can be written in the folder: makes it unless it is there, writes one, and takes away again what
    /// was made. Throws what kept it from that.
    public static func check(_ path: String) throws(StorageError) {
        let made = try make(path)
        defer { for folder in made.reversed() { unsafe rmdir(folder) } }
        try DurableFile.write([[]], name: checkName, folder: path)
        DurableFile.remove("\(path)/\(checkName)")
    }

    private static let checkName = ".check"

    /// Makes what is missing of the folder and those above it; returns those that it made, outermost first.
    private static func make(_ path: String) throws(StorageError) -> [String] {
        if unsafe mkdir(path, 0o700) == 0 {
            try syncParent(of: path)
            return [path]
        }
        let code = errno
        guard code != EEXIST else {
            var status = stat()
            guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                throw .system("create the folder", path, code: ENOTDIR)
            }
            return []
        }
        let parent = parent(of: path)
        guard code == ENOENT, parent != path, parent != "." else {
            throw .system("create the folder", path, code: code)
        }
        let made = try make(parent)
        guard unsafe mkdir(path, 0o700) == 0 else {
            // There since a moment ago.
            guard errno == EEXIST else { throw .system("create the folder", path) }
            return made
        }
        try syncParent(of: path)
        return made + [path]
    }

    /// The folder that has this one's entry; slashes at the end and repeated ones count for nothing.
    static func parent(of path: String) -> String {
        func withoutSlashes(_ path: Substring) -> Substring {
            path.lastIndex { $0 != "/" }.map { path[...$0] } ?? path.prefix(1)
        }
        let name = withoutSlashes(path[...])
        guard let slash = name.lastIndex(of: "/") else { return "." }
        return String(withoutSlashes(name[...slash]))
    }

    /// Makes a new folder last. One above it that may be written but not read cannot be synced, and need not keep the
    /// service from its work.
    private static func syncParent(of path: String) throws(StorageError) {
        do throws(StorageError) {
            try sync(parent(of: path))
        } catch .readOnly {}
    }

    /// Names of everything in the folder. Throws `missing`, `readOnly`, `io`.
    public static func names(_ path: String) throws(StorageError) -> [String] {
        guard let folder = unsafe opendir(path) else { throw .system("read the folder", path) }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Moves a file or folder, if it is there. Throws `readOnly`, `full`, `io`.
    public static func move(_ path: String, to target: String) throws(StorageError) {
        guard unsafe rename(path, target) == 0 || errno == ENOENT else { throw .system("move", path) }
    }

    /// Makes renames within the folder last. Throws `io`.
    public static func sync(_ path: String) throws(StorageError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("sync", path) }
        defer { close(descriptor) }
        // Some file systems cannot sync a folder and say EINVAL; they need none.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw .system("sync", path) }
    }
}
