import Glibc

/// What tells that two paths are one file, whatever links and mounts lead to it.
struct FileIdentity: Hashable {
    private let device: UInt64
    private let number: UInt64

    /// The file at a path; nil for what is not there or is no file with a content of its own, as a pipe.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    /// The file that is standard input; nil for a pipe or a terminal.
    static var standardInput: FileIdentity? {
        var status = stat()
        guard fstat(STDIN_FILENO, &status) == 0 else { return nil }
        return FileIdentity(status)
    }

    private init?(_ status: stat) {
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        device = UInt64(status.st_dev)
        number = UInt64(status.st_ino)
    }
}
