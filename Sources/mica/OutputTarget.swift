import Foundation
import ServiceAPI

/// Where results go: a folder, or one file. Whether it can be written
/// is found out before the work starts, and files appear whole.
final class OutputTarget {
    enum Kind: String, Equatable {
        case folder
        case psd
        case psb
        case ora
        case pptx
        case zip

        /// What the name of an output makes it.
        init(path: String) {
            self = Kind(rawValue: URL(fileURLWithPath: path).pathExtension.lowercased()) ?? .folder
        }
    }

    /// The endings of file names that say what a file is to be, for texts.
    static let endings = ".psd, .psb, .ora, .pptx or .zip"
    /// Endings of files that hold one picture, or are no form of a result: whoever names one expects no folder.
    private static let strangers: Set<String> = [
        "png", "jpg", "jpeg", "webp", "gif", "tif", "tiff", "bmp", "avif", "heic", "svg", "pdf", "kra", "xcf",
    ]

    let kind: Kind
    let url: URL
    private let madeFolders: [String]
    private let inputs: InputFiles
    /// What is to be written beside each other, as far as it is known beforehand: unless it is a folder.
    private let names: [String]

    /// Throws `CommandError.cannotWrite` if nothing can be written there, or only over one of the `inputs`.
    ///
    /// - Parameter names: of the files that are to be written for one that is no folder.
    init(
        path: String, inputs: InputFiles, names: (URL) -> [String] = { [$0.lastPathComponent] }
    ) throws {
        self.inputs = inputs
        // Without dots: what is put behind them means the same to everybody then.
        url = URL(fileURLWithPath: RealPath.ofEntry(path))
        kind = Kind(path: path)
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
        func refused(_ reason: String) -> CommandError { .cannotWrite(path: path, reason: reason) }
        guard path != "-" else {
            throw refused("standard output takes no result; name a folder, or a file ending in \(Self.endings)")
        }
        guard kind == .folder else {
            madeFolders = []
            self.names = names(url)
            for name in self.names { try inputs.check(self.path(of: name)) }
            try WholeFiles.probe(path)
            return
        }
        self.names = []
        if exists && !isFolder.boolValue {
            throw refused("it is a file; name a folder, or a file ending in \(Self.endings)")
        }
        let ending = url.pathExtension.lowercased()
        if !exists && !path.hasSuffix("/") && Self.strangers.contains(ending) {
            throw refused("layers make no .\(ending); name a folder, or a file ending in \(Self.endings)")
        }
        try inputs.check(folder: url.path)
        madeFolders = try NewFolders.make(path)
        do {
            try WholeFiles.probe(self.path(of: FormerResult.descriptions[0]))
        } catch {
            NewFolders.discard(madeFolders)
            throw error
        }
    }

    private func path(of name: String) -> String {
        (kind == .folder ? url : url.deletingLastPathComponent()).appendingPathComponent(name).path
    }

    /// Writes all files or none; names are relative to the folder. Files of an earlier result in the same folder that
    /// its description names go when the new ones are there. Returns the paths.
    func write(_ files: [(name: String, bytes: [UInt8])]) throws -> [String] {
        for file in files { try inputs.check(path(of: file.name)) }
        let description = FormerResult.descriptions.first { name in files.contains { $0.name == name } }
        let former = kind == .folder && description != nil ? FormerResult.files(in: url.path) : []
        // The description is last: what it says is there then.
        let ordered = files.filter { $0.name != description } + files.filter { $0.name == description }
        try WholeFiles.write(
            ordered.map { (path: path(of: $0.name), bytes: $0.bytes) }, makesFolders: kind == .folder)
        NewFolders.keep(madeFolders)
        FormerResult.remove(Set(former).subtracting(files.map(\.name)), in: url.path, except: inputs)
        return files.map { path(of: $0.name) }
    }

    /// Throws `CommandError.cannotWrite` if another file that is written has the place of one of `names`, which are
    /// relative to the folder.
    func check(_ other: String, isNoneOf names: [String]) throws {
        let place = try WholeFiles.Place(other)
        if let name = try names.first(where: { try WholeFiles.Place(path(of: $0)) == place }) {
            throw CommandError.cannotWrite(path: other, reason: "\(name) of the result has this place; name another")
        }
    }

    /// Throws `CommandError.cannotWrite` if another file that is to be written would have the place of one of the
    /// result's: known before the work is done.
    func check(beforehand other: String) throws {
        try check(other, isNoneOf: names)
        let place = RealPath.ofEntry(other) as NSString
        guard kind == .folder, RealPath.of(place.deletingLastPathComponent) == RealPath.of(url.path),
            ResultNames.isFile(place.lastPathComponent)
        else { return }
        throw CommandError.cannotWrite(path: other, reason: "the result may have this place; name another")
    }

    /// After a failure: folders that were made for the results go away again, if they are empty.
    func discard() {
        NewFolders.discard(madeFolders)
    }
}
