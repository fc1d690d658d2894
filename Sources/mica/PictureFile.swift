import Foundation
import ImageCodecs

/// A picture on disk.
enum PictureFile {
    /// Reads and decodes the picture at `path`. Throws `CommandError.cannotRead` with the reason.
    static func read(_ path: String) throws -> PixelBuffer {
        let limit = DecodeOptions().maximumByteCount
        let url = URL(fileURLWithPath: path)
        var size = 0
        do {
            let values = try url.resourceValues(forKeys: [.isDirectoryKey, .fileSizeKey])
            guard values.isDirectory != true else {
                throw CommandError.cannotRead(path: path, reason: "it is a folder")
            }
            size = values.fileSize ?? 0
        } catch let error as CommandError {
            throw error
        } catch {
            throw CommandError.cannotRead(path: path, reason: "there is no such file")
        }
        guard size <= limit else {
            throw CommandError.cannotRead(path: path, reason: "it has \(size) bytes, more than the limit of \(limit)")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandError.cannotRead(path: path, reason: "permission denied")
        }
        do {
            return try ImageDecoder.decode([UInt8](data)).pixels
        } catch {
            throw CommandError.cannotRead(path: path, reason: error.description)
        }
    }
}
