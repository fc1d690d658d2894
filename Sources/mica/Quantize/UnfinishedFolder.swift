import Foundation
import TensorCore

/// A folder that appears under its name only when it is complete; until then it has another name beside it, and without
/// `finish` it goes with the object.
final class UnfinishedFolder {
    /// Where to write.
    let url: URL
    private let target: URL
    private var isFinished = false

    /// Throws `CommandError.cannotWrite` if the target is there, cannot be made, or `neededBytes` do not fit the disk.
    init(path: String, neededBytes: Int) throws {
        target = URL(fileURLWithPath: RealPath.ofEntry(path))
        url = URL(fileURLWithPath: Unfinished.name(beside: target.path))
        guard !FileManager.default.fileExists(atPath: target.path) else {
            throw CommandError.cannotWrite(path: path, reason: "it is there already; name a new folder")
        }
        Unfinished.add(url.path)
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            throw CommandError.cannotWrite(path: path, reason: "the folder cannot be made")
        }
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: url.path)
        if let free = (attributes?[.systemFreeSize] as? NSNumber)?.intValue, free < neededBytes {
            throw CommandError.cannotWrite(
                path: path, reason: "\(ByteCount(neededBytes)) are needed, but the disk has \(ByteCount(free)) left")
        }
    }

    deinit {
        if !isFinished { try? FileManager.default.removeItem(at: url) }
        Unfinished.remove(url.path)
    }

    /// Gives the folder its name.
    func finish() throws {
        do {
            try FileManager.default.moveItem(at: url, to: target)
        } catch {
            throw CommandError.cannotWrite(path: target.path, reason: error.localizedDescription)
        }
        isFinished = true
    }
}
