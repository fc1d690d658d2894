import Foundation
import Glibc
import Synchronization

/// What is on the disk and not to stay there unless the command comes to its end: files under temporary names, folders
/// that were made for results. A process that ends at once takes them with it.
enum Unfinished {
    private static let paths = Mutex<Set<String>>([])

    /// A file or folder is unfinished from now on; said before it is made.
    static func add(_ path: String) {
        paths.withLock { _ = $0.insert(path) }
    }

    /// It is finished, or gone.
    static func remove(_ path: String) {
        paths.withLock { _ = $0.remove(path) }
    }

    /// Removes all that is unfinished (files, folders under temporary names with what is in them, others if they are
    /// empty) and ends the process.
    static func discardAll(exit code: Int32) -> Never {
        // Nothing is begun any more: whoever wants to waits for the lock.
        paths.withLock { paths in
            // What lies in a folder has the longer path, and goes first.
            for path in paths.sorted(by: { $0.utf8.count > $1.utf8.count }) {
                if isTemporary(path) {
                    try? FileManager.default.removeItem(atPath: path)
                } else {
                    _ = Glibc.remove(path)
                }
            }
            _exit(code)
        }
    }

    /// A name beside `path` that nobody else uses, under which it comes to be.
    static func name(beside path: String) -> String {
        let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
        return (parent == "/" ? "" : parent) + "/" + prefix + UUID().uuidString.prefix(8)
    }

    private static let prefix = ".mica-"

    private static func isTemporary(_ path: String) -> Bool {
        URL(fileURLWithPath: path).lastPathComponent.hasPrefix(prefix)
    }
}
