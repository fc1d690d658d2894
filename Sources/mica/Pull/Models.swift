import ArgumentParser
import Foundation
import ModelHub
import TensorCore

/// `mica models`: what --model may be called by here.
struct Models: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists the models that are on this machine.",
        discussion: """
            The model that comes with Mica, those that `mica pull` has fetched, and those of Qwen-Image-Layered's kind \
            that huggingface_hub has in its cache. --model takes the names, and the folders.
            """)

    @Flag(
        help: """
            For programs: a list as JSON, with the name, folder and bytes of each, who keeps it (mica, \
            huggingface_hub, or built-in), whether it is complete, and for one of `mica pull` its hub and commit.
            """)
    var json = false

    /// A model that is here.
    private struct Entry: Encodable {
        var name: String
        var folder: String
        var bytes: Int
        var keptBy: String
        var isComplete = true
        /// Where it came from, if `mica pull` has fetched it.
        var hub: String?
        var commit: String?
    }

    private static let builtIn = "built-in"

    func run() throws {
        let entries = Self.entries()
        guard !json else { return try StandardOutput.print(try Self.text(entries)) }
        guard !entries.isEmpty else {
            return try StandardOutput.print("no model is here; `mica pull` fetches \(RepositoryName.published)")
        }
        let rows = entries.map { entry in
            let size = ByteCount(entry.bytes).description + (entry.isComplete ? "" : ", not whole yet")
            return [entry.keptBy == Self.builtIn ? "(built in)" : entry.name, size, entry.folder]
        }
        let widths = [0, 1].map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { $0.padding(toLength: $1 + 2, withPad: " ", startingAt: 0) }
            try StandardOutput.print(cells.joined() + row[2])
        }
    }

    private static func entries() -> [Entry] {
        var entries: [Entry] = []
        if let folder = try? ModelLocation.folder(nil) {
            entries.append(
                Entry(
                    name: ModelLocation.defaultName, folder: folder.path, bytes: bytes(folder.path), keptBy: builtIn))
        }
        for model in LocalModels().all() where model.isComplete ? isLayered(model.folder) : true {
            let record = PullRecord.of(folder: model.folder)
            entries.append(
                Entry(
                    name: model.repository.description, folder: model.folder, bytes: bytes(model.folder),
                    keptBy: model.keeper.rawValue, isComplete: model.isComplete, hub: record?.endpoint,
                    commit: record?.commit))
        }
        return entries
    }

    private static func text(_ entries: [Entry]) throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(entries), as: UTF8.self)
    }

    private static let longestIndex = 1 << 20

    private static func isLayered(_ folder: String) -> Bool {
        guard let handle = FileHandle(forReadingAtPath: "\(folder)/model_index.json"),
            let data = try? handle.read(upToCount: longestIndex),
            let index = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
        else { return false }
        return (index["_class_name"] as? String)?.contains("QwenImageLayered") == true
    }

    /// Of all files, behind links too.
    private static func bytes(_ folder: String) -> Int {
        let files = FileManager.default.enumerator(atPath: folder)
        var bytes = 0
        while let name = files?.nextObject() as? String {
            let path = URL(fileURLWithPath: "\(folder)/\(name)").resolvingSymlinksInPath().path
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            guard attributes?[.type] as? FileAttributeType == .typeRegular else { continue }
            bytes += (attributes?[.size] as? NSNumber)?.intValue ?? 0
        }
        return bytes
    }
}
