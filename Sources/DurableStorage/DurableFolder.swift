import Glibc

/// A folder whose entries last.
public enum DurableFolder {
    /// Makes the folder, and those above it, for this user alone, unless it is there. Throws `readOnly`, `full`, `io`.
    public static func create(_ path: String) throws(StorageError) {
        if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST {
            var status = stat()
            guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                throw .system("create the folder", path, code: ENOTDIR)
            }
            return
        }
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        guard errno == ENOENT, !parent.isEmpty else { throw .system("create the folder", path) }
        try create(parent)
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .system("create the folder", path) }
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
