import ImageCodecs

/// A picture on disk, or from standard input.
enum PictureFile {
    /// Reads and decodes the picture at `path`. Throws `CommandError.cannotRead` with the reason.
    static func read(_ path: String) throws(CommandError) -> PixelBuffer {
        try decoded(try InputFile.read(path, limit: DecodeOptions().maximumByteCount), of: path)
    }

    /// Decodes what was read at `path`. Throws `CommandError.cannotRead` with the reason.
    static func decoded(_ bytes: [UInt8], of path: String) throws(CommandError) -> PixelBuffer {
        do {
            return try ImageDecoder.decode(bytes).pixels
        } catch {
            throw CommandError.cannotRead(path: path, reason: error.description)
        }
    }
}
