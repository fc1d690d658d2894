import ImageCodecs

/// A picture on disk, or from standard input.
enum PictureFile {
    /// Reads and decodes the picture at `path`. Throws `CommandError.cannotRead` with the reason.
    static func read(_ path: String) throws(CommandError) -> PixelBuffer {
        let bytes = try InputFile.read(path, limit: DecodeOptions().maximumByteCount)
        do {
            return try ImageDecoder.decode(bytes).pixels
        } catch {
            throw CommandError.cannotRead(path: path, reason: error.description)
        }
    }
}
