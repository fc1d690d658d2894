import Foundation

/// Compiled kernels on disk, one file each, written whole or not at all.
struct CubinCache {
    let folder: URL
    /// All files together; the oldest go first.
    private static let limitBytes = 64 << 20
    private static let largestFileBytes = 16 << 20

    /// `kernels` in the user's cache folder; nil if there is none.
    static var userFolder: URL? {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment["XDG_CACHE_HOME"], folder.hasPrefix("/") {
            return URL(fileURLWithPath: folder).appendingPathComponent("mica/kernels")
        }
        guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
        return URL(fileURLWithPath: home).appendingPathComponent(".cache/mica/kernels")
    }

    /// `share/mica/kernels` beside the folder of the running program, as a bundle has it, or `MICA_KERNELS`.
    static var bundledFolder: URL? {
        if let folder = ProcessInfo.processInfo.environment["MICA_KERNELS"] { return URL(fileURLWithPath: folder) }
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return program.deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("share/mica/kernels")
    }

    /// A file's bytes; nil if it is not there or larger than any cubin.
    func read(_ name: String) -> [UInt8]? {
        guard let handle = try? FileHandle(forReadingFrom: folder.appendingPathComponent(name)) else { return nil }
        defer { try? handle.close() }
        guard let data = try? handle.read(upToCount: Self.largestFileBytes + 1), data.count <= Self.largestFileBytes
        else { return nil }
        return Array(data)
    }

    /// Keeps a file. A cache that cannot be written costs time and nothing else, so nothing is thrown.
    func write(_ bytes: [UInt8], _ name: String) {
        guard bytes.count <= Self.largestFileBytes else { return }
        let files = FileManager.default
        try? files.createDirectory(at: folder, withIntermediateDirectories: true)
        try? Data(bytes).write(to: folder.appendingPathComponent(name), options: .atomic)
        trim(files)
    }

    private func trim(_ files: FileManager) {
        let keys: Set<URLResourceKey> = [.fileSizeKey, .contentModificationDateKey]
        guard let urls = try? files.contentsOfDirectory(at: folder, includingPropertiesForKeys: Array(keys)) else {
            return
        }
        var entries = urls.filter { $0.pathExtension == "cubin" }.compactMap { url in
            (try? url.resourceValues(forKeys: keys)).map {
                (url: url, bytes: $0.fileSize ?? 0, date: $0.contentModificationDate ?? .distantPast)
            }
        }
        entries.sort { $0.date < $1.date }
        var total = entries.reduce(0) { $0 + $1.bytes }
        for entry in entries where total > Self.limitBytes {
            try? files.removeItem(at: entry.url)
            total -= entry.bytes
        }
    }
}
