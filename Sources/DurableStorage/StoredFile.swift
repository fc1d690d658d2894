import Glibc

/// An open file: stays readable even after its name was removed. Closed with the object.
public final class StoredFile: Sendable {
    private let descriptor: Int32
    private let path: String
    /// Bytes of the file when it was opened.
    public let byteCount: Int

    /// Opens the file. Throws `missing`, `readOnly` and `io`.
    public init(path: String) throws(StorageError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("read", path) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            let error = StorageError.system("read", path)
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.path = path
        byteCount = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// The bytes of `range`, or of the whole file. Throws `io`, also when the file is shorter than that. Blocks.
    public func bytes(_ range: Range<Int>? = nil) throws(StorageError) -> [UInt8] {
        let range = range ?? 0..<byteCount
        // Refused before memory is taken for it.
        guard range.lowerBound >= 0, range.upperBound <= byteCount else { throw short(range) }
        var failure: StorageError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
            while filled < range.count {
                let rest = unsafe UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[filled...]))
                let count = unsafe pread(descriptor, rest.baseAddress, rest.count, off_t(range.lowerBound + filled))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    failure = count < 0 ? .system("read", path) : short(range)
                    return
                }
                filled += count
            }
        }
        if let failure { throw failure }
        return bytes
    }

    private func short(_ range: Range<Int>) -> StorageError {
        .io(operation: "read", path: path, code: EIO, detail: "it has \(byteCount) bytes, not \(range.upperBound)")
    }
}
