import Glibc

/// The bytes of a file, a pipe or standard input.
enum InputFile {
    /// What stands for standard input in place of a file's name.
    static let standardInput = "-"

    /// Reads everything, `limit` bytes at most; `-` is standard input. Throws `CommandError.cannotRead` with the
    /// reason.
    static func read(_ path: String, limit: Int) throws(CommandError) -> [UInt8] {
        guard path == standardInput else { return try readNamed(path, limit: limit) }
        return try read(dup(STDIN_FILENO), name: "standard input", limit: limit)
    }

    /// As `read`, for what no stream is meant by: `-` is a file of that name.
    static func readNamed(_ path: String, limit: Int) throws(CommandError) -> [UInt8] {
        try read(open(path, O_RDONLY | O_CLOEXEC), name: path, limit: limit)
    }

    /// Reads and closes the descriptor; one below 0 is none, for the reason of `errno`.
    private static func read(_ descriptor: Int32, name: String, limit: Int) throws(CommandError) -> [UInt8] {
        func refused(_ reason: String) -> CommandError { .cannotRead(path: name, reason: reason) }
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
