import Glibc

/// What a command prints for whoever reads its output.
enum StandardOutput {
    /// Writes a text and a line's end. Throws `CommandError.cannotWrite`, as on a full disk.
    static func print(_ text: String) throws(CommandError) {
        if let code = Descriptor.write(Array((text + "\n").utf8), to: STDOUT_FILENO) {
            throw .cannotWrite(path: "standard output", reason: FileReason.text(code))
        }
    }
}

/// What a command says beside that.
enum StandardError {
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Writes a text as it is. If that fails there is nobody left to tell.
    static func write(_ text: String) {
        _ = Descriptor.write(Array(text.utf8), to: STDERR_FILENO)
    }
}
