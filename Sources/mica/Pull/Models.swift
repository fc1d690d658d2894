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
            that huggingface_hub has in its cache. --model takes the names.
            """)

    func run() throws {
        var rows: [[String]] = []
        if let folder = try? ModelLocation.folder(nil) {
            rows.append(["(built in)", Self.size(folder.path), folder.path])
        }
        for model in LocalModels().all() where model.isComplete ? Self.isLayered(model.folder) : true {
            let size = Self.size(model.folder) + (model.isComplete ? "" : ", not whole yet")
            rows.append([model.repository.description, size, model.folder])
        }
        guard !rows.isEmpty else {
            return try StandardOutput.print("no model is here; `mica pull` fetches \(RepositoryName.published)")
        }
        let widths = [0, 1].map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { $0.padding(toLength: $1 + 2, withPad: " ", startingAt: 0) }
            try StandardOutput.print(cells.joined() + row[2])
        }
    }

    private static let longestIndex = 1 << 20

    private static func isLayered(_ folder: String) -> Bool {
        guard let handle = FileHandle(forReadingAtPath: "\(folder)/model_index.json"),
            let data = try? handle.read(upToCount: longestIndex),
            let index = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
        else { return false }
        return (index["_class_name"] as? String)?.contains("QwenImageLayered") == true
    }

    /// Bytes of all files, behind links too.
    private static func size(_ folder: String) -> String {
        let files = FileManager.default.enumerator(atPath: folder)
        var bytes = 0
        while let name = files?.nextObject() as? String {
            let path = URL(fileURLWithPath: "\(folder)/\(name)").resolvingSymlinksInPath().path
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            guard attributes?[.type] as? FileAttributeType == .typeRegular else { continue }
            bytes += (attributes?[.size] as? NSNumber)?.intValue ?? 0
        }
        return ByteCount(bytes).description
    }
}
