import Foundation

/// The files that a command reads: nothing is written over them.
struct InputFiles {
    /// Without symbolic links, by the paths as they were given.
    private let given: [String: String]

    init(_ paths: [String]) {
        let pairs = paths.map { (Self.resolved(URL(fileURLWithPath: $0)), $0) }
        given = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    /// Throws `CommandError.cannotWrite` if `destination` is one of them.
    func check(_ destination: URL) throws {
        if let path = given[Self.resolved(destination)] {
            throw CommandError.cannotWrite(path: path, reason: "it is read here; name another file or folder")
        }
    }

    /// Throws `CommandError.cannotWrite` if one of them lies in `folder` under a name that a result's files have: known
    /// before the work is done, which may be long.
    func check(folder: URL) throws {
        let prefix = Self.resolved(folder) + "/"
        for (path, name) in given where path.hasPrefix(prefix) {
            if Self.isResultName(path.split(separator: "/").last ?? "") {
                throw CommandError.cannotWrite(
                    path: folder.path, reason: "\(name) is read here and could be written over; name another folder")
            }
        }
    }

    private static func isResultName(_ name: Substring) -> Bool {
        let names = /((image_[0-9]+_)?layer_[0-9]+\.(png|webp)|(layers|image_[0-9]+)\.psd|(result|manifest)\.json)/
        return name.wholeMatch(of: names) != nil
    }

    private static func resolved(_ url: URL) -> String { url.standardizedFileURL.resolvingSymlinksInPath().path }
}
