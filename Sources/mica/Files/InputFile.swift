import Glibc

/// The bytes of a file, a pipe or standard input.
enum InputFile {
    /// What stands for standard input in place of a file's name.
    static let standardInput = "-"

    /// Reads everything, `limit` bytes at most. Throws `CommandError.cannotRead` with the reason.
    static func read(_ path: String, limit: Int) throws(CommandError) -> [UInt8] {
        let isStandardInput = path == standardInput
        let name = isStandardInput ? "standard input" : path
        func refused(_ reason: String) -> CommandError { .cannotRead(path: name, reason: reason) }
        let descriptor = isStandardInput ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw refused(FileReason.text(errno)) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw refused(FileReason.text(errno)) }
        let size = Int(status.st_size)
        guard size <= limit else { throw refused("it has \(size) bytes, more than the limit of \(limit)") }
        switch Descriptor.read(descriptor, limit: limit, expecting: size) {
        case .failure(let error): throw refused(FileReason.text(error.code))
        case .success(let bytes):
            guard bytes.count <= limit else { throw refused("it has more bytes than the limit of \(limit)") }
            return bytes
        }
    }
}
