import Foundation
import Glibc

/// A file that appears under its name only when it is complete: written beside it, then renamed.
///
/// Belongs to one thread. Without `finish` the unfinished file goes with the object, and what stood under the name
/// stays.
final class AtomicFile {
    private let target: URL
    private let temporaryPath: String
    private let descriptor: Int32
    private var isFinished = false

    /// Begins a file. Throws `io`.
    init(target: URL) throws(WeightsError) {
        let suffix = String(UInt64.random(in: 0 ... .max), radix: 36)
        let temporary = target.deletingLastPathComponent().appending(path: ".\(target.lastPathComponent).\(suffix)")
        self.target = target
        self.temporaryPath = temporary.path
        self.descriptor = open(temporary.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw .io(operation: "create", file: target.path, code: errno) }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        if !isFinished { unlink(temporaryPath) }
    }

    /// Writes bytes at a place of the file. Throws `io`.
    func write(_ bytes: RawSpan, at offset: Int) throws(WeightsError) {
        var written = 0
        while written < bytes.byteCount {
            let result = bytes.extracting(written...).withUnsafeBytes { rest in
                pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + written))
            }
            if result < 0, errno == EINTR { continue }
            guard result > 0 else {
                throw .io(operation: "write", file: target.path, code: result < 0 ? errno : EIO)
            }
            written += result
        }
    }

    /// Makes the file at least so long; what was not written is zeros. Throws `io`.
    func extend(to byteCount: Int) throws(WeightsError) {
        let length = lseek(descriptor, 0, SEEK_END)
        guard length >= 0, length >= byteCount || ftruncate(descriptor, off_t(byteCount)) == 0 else {
            throw .io(operation: "extend", file: target.path, code: errno)
        }
    }

    /// Makes the file durable and gives it its name, replacing what stood there. Throws `io`.
    func finish() throws(WeightsError) {
        guard fsync(descriptor) == 0 else { throw .io(operation: "write", file: target.path, code: errno) }
        guard rename(temporaryPath, target.path) == 0 else {
            throw .io(operation: "write", file: target.path, code: errno)
        }
        isFinished = true
        try syncFolder()
    }

    /// The new name is in the folder, which has to reach the disk as well.
    private func syncFolder() throws(WeightsError) {
        let folder = target.deletingLastPathComponent().path
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .io(operation: "open", file: folder, code: errno) }
        defer { close(descriptor) }
        // Some file systems cannot sync a folder and say EINVAL; they need none.
        guard fsync(descriptor) == 0 || errno == EINVAL else {
            throw .io(operation: "write", file: folder, code: errno)
        }
    }
}
