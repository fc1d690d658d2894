import Foundation
import ModelHub
import TensorCore

/// What `mica pull` has done, or would do.
struct PullReport {
    let repository: RepositoryName
    let folder: String
    /// Whether the user named the folder, so that the model is known by it and not by the repository's name.
    let isNamed: Bool
    let isDry: Bool
    let outlook: ModelPull.Outlook
    let seconds: Double

    func text() -> String {
        let whole = "\(files(outlook.files.count)), \(ByteCount(outlook.totalBytes))"
        let place = "\(repository) at \(outlook.commit.prefix(12)): \(whole)"
        guard !isDry else { return (list + ["\(place); \(missing)"]).joined(separator: "\n") }
        let came =
            outlook.missing.isEmpty
            ? "all was there" : "\(files(outlook.missing.count)) came, \(ByteCount(outlook.missingBytes))\(pace)"
        return (["\(place), in \(folder); \(came)"] + uses).joined(separator: "\n")
    }

    func json() throws -> String {
        struct Summary: Encodable {
            var repository, commit, folder: String
            var files, bytes, fetchedFiles, fetchedBytes: Int
            var isDryRun: Bool
            var seconds: Double
        }
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let summary = Summary(
            repository: repository.description, commit: outlook.commit, folder: folder, files: outlook.files.count,
            bytes: outlook.totalBytes, fetchedFiles: outlook.missing.count, fetchedBytes: outlook.missingBytes,
            isDryRun: isDry, seconds: seconds)
        return String(decoding: try encoder.encode(summary), as: UTF8.self)
    }

    private func files(_ count: Int) -> String { count == 1 ? "1 file" : "\(count) files" }

    /// A line a file.
    private var list: [String] {
        let missing = Set(outlook.missing)
        let width = outlook.files.map { ByteCount($0.size).description.count }.max() ?? 0
        return outlook.files.map { file in
            let size = ByteCount(file.size).description
            let padding = String(repeating: " ", count: width - size.count)
            return "\(missing.contains(file) ? "to come" : "here   ")  \(padding)\(size)  \(file.path)"
        }
    }

    private var missing: String {
        guard !outlook.missing.isEmpty else { return "all is there" }
        let room = outlook.freeBytes.map { ", the disk has \(ByteCount($0)) free" } ?? ""
        return "\(ByteCount(outlook.missingBytes)) to come\(room)"
    }

    private var pace: String {
        guard seconds > 1 else { return "" }
        return " in \(Int(seconds.rounded())) s"
    }

    /// What to do with it.
    private var uses: [String] {
        let name = isNamed ? folder : repository.description
        if outlook.files.contains(where: { $0.path == "model_index.json" }) {
            return ["use it: mica decompose PICTURE --model \(name)", "    or: mica serve --model \(name)"]
        }
        return outlook.files.filter { $0.path.hasSuffix(".gguf") || $0.path.hasSuffix(".safetensors") }
            .map { "file: \(folder)/\($0.path)" }
    }
}
