import Foundation
import Glibc
import ServiceAPI

/// The files that a command reads: nothing is written over them, and none is removed.
struct InputFiles {
    /// The paths as they were given.
    private let given: [FileIdentity: String]

    /// Files at these paths, `-` being standard input; they are there, since they were read.
    init(_ paths: [String]) {
        let pairs = paths.compactMap { path -> (FileIdentity, String)? in
            let isStandardInput = path == InputFile.standardInput
            return (isStandardInput ? FileIdentity.standardInput : FileIdentity(path)).map { ($0, path) }
        }
        given = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    /// Whether one of them is at this path.
    func contains(_ path: String) -> Bool { FileIdentity(path).map { given[$0] != nil } ?? false }

    /// Throws `CommandError.cannotWrite` if one of them is at the path of a destination.
    func check(_ destination: String) throws {
        if contains(destination) {
            throw CommandError.cannotWrite(path: destination, reason: "it is read here; name another file or folder")
        }
    }

    /// Throws `CommandError.cannotWrite` if one of them has a place in `folder` that a result may take: known before
    /// the work is done, which may be long.
    func check(folder: String) throws {
        for place in Self.resultPlaces(in: folder, depth: 0) {
            if let name = FileIdentity(place).flatMap({ given[$0] }) {
                throw CommandError.cannotWrite(
                    path: folder, reason: "\(name) is read here and could be written over; name another folder")
            }
        }
    }

    /// Groups in groups that are looked into.
    private static let deepest = 16

    private static func isLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    /// Files that are there under names of a result's, groups being folders.
    private static func resultPlaces(in folder: String, depth: Int) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.flatMap { name -> [String] in
            let path = folder + "/" + name
            if ResultNames.isFile(name) { return [path] }
            // Folders behind links may be each other's.
            let isGroup = ResultNames.isGroup(name) && depth < deepest && !isLink(path)
            return isGroup ? resultPlaces(in: path, depth: depth + 1) : []
        }
    }
}
