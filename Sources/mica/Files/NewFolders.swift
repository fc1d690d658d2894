import Foundation
import Glibc

/// Folders that are made for results and go away again, if they are empty, when there are none.
enum NewFolders {
    /// Makes a folder and those around it; the paths of those that were not there, outermost first. Throws
    /// `CommandError.cannotWrite` and leaves nothing behind then.
    static func make(_ path: String) throws(CommandError) -> [String] {
        var missing: [String] = []
        var next = RealPath.ofPlace(path)
        while next != "/", !FileManager.default.fileExists(atPath: next) {
            missing.insert(next, at: 0)
            next = (next as NSString).deletingLastPathComponent
        }
        var made: [String] = []
        for folder in missing {
            Unfinished.add(folder)
            guard mkdir(folder, 0o777) == 0 else {
                // Before anything else has the chance to change it.
                let code = errno
                Unfinished.remove(folder)
                // Somebody else was quicker.
                if code == EEXIST { continue }
                let reason = "the folder cannot be made: \(FileReason.text(code))"
                discard(made)
                throw .cannotWrite(path: path, reason: reason)
            }
            made.append(folder)
        }
        return made
    }

    /// The folders stay.
    static func keep(_ made: [String]) {
        for folder in made { Unfinished.remove(folder) }
    }

    /// Removes them, unless somebody has put something there.
    static func discard(_ made: [String]) {
        for folder in made.reversed() {
            rmdir(folder)
            Unfinished.remove(folder)
        }
    }
}
