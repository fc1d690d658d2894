import Foundation

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
    }

    /// The endings of file names that say what a file is to be, for texts.
    static let endings = ".psd, .psb, .ora, .pptx or .zip"

    let kind: Kind
    let url: URL
    private let createdFolder: Bool
    private let inputs: InputFiles

    /// Throws `CommandError.cannotWrite` if nothing can be written there, or only over one of the `inputs`.
    init(path: String, inputs: InputFiles) throws {
        self.inputs = inputs
        url = URL(fileURLWithPath: path)
        kind = Kind(rawValue: url.pathExtension.lowercased()) ?? .folder
        let manager = FileManager.default
        var isFolder: ObjCBool = false
        let exists = manager.fileExists(atPath: url.path, isDirectory: &isFolder)
        if kind == .folder {
            try inputs.check(folder: url)
            if exists && !isFolder.boolValue {
                throw CommandError.cannotWrite(
                    path: path, reason: "it is a file; name a folder, or a file ending in \(Self.endings)")
            }
            if !exists {
                do {
                    try manager.createDirectory(at: url, withIntermediateDirectories: true)
                } catch {
                    throw CommandError.cannotWrite(path: path, reason: "the folder cannot be made")
                }
            }
            createdFolder = !exists
        } else {
            if exists && isFolder.boolValue { throw CommandError.cannotWrite(path: path, reason: "it is a folder") }
            try inputs.check(url)
            createdFolder = false
        }
        try probe()
    }

    private var folder: URL { kind == .folder ? url : url.deletingLastPathComponent() }

    /// Writes a small file and removes it again: the only sure way to know.
    private func probe() throws {
        let file = folder.appendingPathComponent(".mica-\(ProcessInfo.processInfo.processIdentifier)")
        do {
            try Data([0]).write(to: file)
            try FileManager.default.removeItem(at: file)
        } catch {
            throw CommandError.cannotWrite(path: url.path, reason: "the folder does not exist or is not writable")
        }
    }

    /// Writes the files, each in one step; names are relative to the folder. Returns their paths.
    func write(_ files: [(name: String, bytes: [UInt8])]) throws -> [String] {
        for file in files { try inputs.check(folder.appendingPathComponent(file.name)) }
        return try files.map { file in
            let destination = folder.appendingPathComponent(file.name)
            do {
                // Groups are folders.
                if file.name.contains("/") {
                    try FileManager.default.createDirectory(
                        at: destination.deletingLastPathComponent(), withIntermediateDirectories: true)
                }
                try Data(file.bytes).write(to: destination, options: .atomic)
            } catch {
                throw CommandError.cannotWrite(path: destination.path, reason: "\(error.localizedDescription)")
            }
            return destination.path
        }
    }

    /// After a failure: an empty folder that was made for the results goes away again.
    func discard() {
        guard createdFolder, (try? FileManager.default.contentsOfDirectory(atPath: url.path))?.isEmpty == true else {
            return
        }
        try? FileManager.default.removeItem(at: url)
    }
}
