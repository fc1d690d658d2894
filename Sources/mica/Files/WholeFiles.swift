import Foundation
import Glibc

/// Files that appear whole and together: all are written under other names beside their places, and get their own when
/// the last byte of the last one is written. Where that fails, everything is as it was.
struct WholeFiles {
    /// Where bytes for a path go.
    enum Place: Equatable {
        /// A file that is there or is to be, behind all links, so that a link stays what it is.
        case file(String)
        /// An open descriptor of this process: `/dev/stdout` and its like.
        case descriptor(Int32)
        /// A device or pipe, which is written and not replaced.
        case stream(String)

        /// Throws `CommandError.cannotWrite` for a folder, and for `-`, which commands take for a stream elsewhere.
        init(_ path: String) throws(CommandError) {
            guard path != InputFile.standardInput else {
                throw .cannotWrite(
                    path: path, reason: "standard output has no such name here; name a file, or /dev/stdout")
            }
            if let descriptor = Self.descriptor(path) {
                self = .descriptor(descriptor)
                return
            }
            var status = stat()
            guard stat(path, &status) == 0 else {
                self = .file(RealPath.ofEntry(path))
                return
            }
            switch status.st_mode & S_IFMT {
            case S_IFREG: self = .file(RealPath.of(path) ?? path)
            case S_IFDIR: throw .cannotWrite(path: path, reason: "it is a folder")
            default: self = .stream(path)
            }
        }

        private static func descriptor(_ path: String) -> Int32? {
            switch path {
            case "/dev/stdout": return STDOUT_FILENO
            case "/dev/stderr": return STDERR_FILENO
            default:
                for folder in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(folder) {
                    return Int32(path.dropFirst(folder.count))
                }
                return nil
            }
        }
    }

    private var staged: [(temporary: String, path: String)] = []
    private var folders: [String] = []

    /// Writes all files, or none; they get their names in the order given. Throws `CommandError.cannotWrite`.
    ///
    /// - Parameter makesFolders: whether folders around the files are made if they are not there.
    static func write(
        _ files: [(path: String, bytes: [UInt8])], makesFolders: Bool = false
    ) throws(CommandError) {
        var batch = WholeFiles()
        do throws(CommandError) {
            for (path, bytes) in files {
                if makesFolders {
                    batch.folders += try NewFolders.make((path as NSString).deletingLastPathComponent)
                }
                try batch.stage(bytes, for: path)
            }
            try batch.finish()
        } catch {
            batch.discard()
            throw error
        }
    }

    /// Throws `CommandError.cannotWrite` if nothing can be written there: a byte is, the only sure way to know.
    static func probe(_ path: String) throws(CommandError) {
        guard case .file = try Place(path) else { return }
        var batch = WholeFiles()
        defer { batch.discard() }
        try batch.stage([0], for: path)
    }

    private mutating func stage(_ bytes: [UInt8], for path: String) throws(CommandError) {
        switch try Place(path) {
        case .descriptor(let descriptor):
            if let code = Descriptor.write(bytes, to: descriptor) { throw Self.failure(path, code) }
        case .stream(let device):
            let descriptor = open(device, O_WRONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw Self.failure(path, errno) }
            let code = Descriptor.write(bytes, to: descriptor)
            guard close(descriptor) == 0, code == nil else { throw Self.failure(path, code ?? errno) }
        case .file(let file):
            let temporary = Unfinished.name(beside: file)
            staged.append((temporary, file))
            Unfinished.add(temporary)
            let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw Self.failure(path, errno) }
            // A file that is replaced keeps who may read it.
            var status = stat()
            if stat(file, &status) == 0 { fchmod(descriptor, status.st_mode & 0o777) }
            let code = Descriptor.write(bytes, to: descriptor)
            guard close(descriptor) == 0, code == nil else { throw Self.failure(path, code ?? errno) }
        }
    }

    private mutating func finish() throws(CommandError) {
        while let (temporary, path) = staged.first {
            guard rename(temporary, path) == 0 else { throw Self.failure(path, errno) }
            Unfinished.remove(temporary)
            staged.removeFirst()
        }
        NewFolders.keep(folders)
        folders = []
    }

    private mutating func discard() {
        for (temporary, _) in staged {
            unlink(temporary)
            Unfinished.remove(temporary)
        }
        NewFolders.discard(folders)
    }

    private static func failure(_ path: String, _ code: Int32) -> CommandError {
        .cannotWrite(path: path, reason: code == ENOENT ? "its folder does not exist" : FileReason.text(code))
    }
}
