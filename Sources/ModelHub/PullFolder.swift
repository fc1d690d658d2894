import Digests
import Foundation
import Glibc

/// The folder that a model is fetched into: its files, and in `.mica-pull` what is on its way. One process at a time.
final class PullFolder: Sendable {
    /// What is ours alone in a model's folder.
    static let ownName = ".mica-pull"
    private static let blockBytes = 1 << 20

    let path: String
    private let lock: Int32

    /// Makes the folder if need be and locks it. Throws `folderBusy` if another process has.
    init(path: String) throws(HubError) {
        self.path = path
        try Self.makeFolder("\(path)/\(Self.ownName)")
        let name = "\(path)/\(Self.ownName)/lock"
        lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard lock >= 0 else { throw Self.failure(name, "write") }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            throw .folderBusy(folder: path)
        }
    }

    deinit {
        close(lock)
    }

    static func recordPath(_ folder: String) -> String { "\(folder)/\(ownName)/record.json" }

    /// Where a file is to be.
    func place(_ file: HubFile) -> String { "\(path)/\(file.path)" }

    /// Where a file's bytes gather until all of them are there.
    func partial(_ file: HubFile) -> String { Self.partial(file, in: path) }

    /// The same of any folder. Known by what the bytes are, so that they serve any revision, and by whose they are:
    /// two files may be alike.
    static func partial(_ file: HubFile, in folder: String) -> String {
        let place = Digest.hexadecimal(Digest.sha256(of: Array(file.path.utf8))).prefix(8)
        return "\(folder)/\(ownName)/\(file.hash.digits)-\(place).partial"
    }

    /// Size and time of change of a plain file; nil if there is none.
    static func status(_ path: String) -> (size: Int, modified: Int)? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return (Int(status.st_size), Int(status.st_mtim.tv_sec) * 1_000_000_000 + Int(status.st_mtim.tv_nsec))
    }

    /// Bytes that the disk still takes of us, also for a folder that is to be made.
    static func freeBytes(_ path: String) -> Int? {
        var folder = path
        var status = statvfs()
        while statvfs(folder, &status) != 0 {
            let parent = URL(fileURLWithPath: folder).deletingLastPathComponent().path
            guard parent != folder else { return nil }
            folder = parent
        }
        let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return overflow ? .max : Int(clamping: bytes)
    }

    /// The hash of a file's first `count` bytes, going on from `digest`.
    static func add(_ path: String, count: Int, to digest: inout Digest, isCancelled: () -> Bool) throws(HubError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, "read") }
        defer { close(descriptor) }
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: blockBytes, alignment: 64)
        defer { block.deallocate() }
        var left = count
        while left > 0 {
            if isCancelled() { throw .cancelled }
            let got = read(descriptor, block.baseAddress, min(left, block.count))
            if got < 0, errno == EINTR { continue }
            guard got > 0 else {
                if got < 0 { throw failure(path, "read") }
                throw .file(path: path, operation: "read", reason: "it became shorter")
            }
            digest.update(UnsafeRawBufferPointer(rebasing: block[..<got]))
            left -= got
        }
    }

    /// Gives what has come whole its place.
    func finish(_ file: HubFile) throws(HubError) {
        let target = place(file)
        try Self.makeFolder(URL(fileURLWithPath: target).deletingLastPathComponent().path)
        guard rename(partial(file), target) == 0 else { throw Self.failure(target, "write") }
    }

    /// Writes the record, whole.
    func write(_ record: PullRecord) throws(HubError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let path = Self.recordPath(self.path)
        do {
            try encoder.encode(record).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw .file(path: path, operation: "write", reason: error.localizedDescription)
        }
    }

    /// Removes what had begun to come of files that nobody wants any more.
    func removePartials() {
        let own = "\(path)/\(Self.ownName)"
        for name in (try? FileManager.default.contentsOfDirectory(atPath: own)) ?? []
        where name.hasSuffix(".partial") {
            unlink("\(own)/\(name)")
        }
    }

    private static func makeFolder(_ path: String) throws(HubError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw .file(path: path, operation: "make", reason: "the folder cannot be made there")
        }
    }

    /// The failure that `errno` tells.
    static func failure(_ path: String, _ operation: String) -> HubError {
        .file(path: path, operation: operation, reason: String(cString: strerror(errno)))
    }
}
