import Foundation
import Weights

extension TokenizerDefinition {
    /// A real `tokenizer.json` has 7 to 12 MB.
    private static let fileLimitBytes = 64 << 20

    /// Reads the files of a folder: `tokenizer.json` if there is one, else the older layout.
    init(folder: URL) throws(TokenizerError) {
        let file = folder.appendingPathComponent("tokenizer.json")
        if FileManager.default.fileExists(atPath: file.path) {
            try self.init(tokenizerFile: file)
            return
        }
        let parts = ["vocab.json", "merges.txt"].map { folder.appendingPathComponent($0) }
        guard parts.allSatisfy({ FileManager.default.fileExists(atPath: $0.path) }) else {
            throw .missingFiles(folder: folder.path)
        }
        try self.init(vocabularyFile: parts[0], mergesFile: parts[1], folder: folder)
    }

    /// The bytes of a file, at most `fileLimitBytes`.
    static func read(_ file: URL) throws(TokenizerError) -> Data {
        do throws(WeightsError) {
            return try ConfigurationFile.data(of: file, maximumBytes: fileLimitBytes)
        } catch {
            throw .file(error)
        }
    }

    /// The JSON object in a file.
    static func object(in file: URL) throws(TokenizerError) -> [String: Any] {
        let data = try read(file)
        guard let value = try? JSONSerialization.jsonObject(with: data), let object = value as? [String: Any] else {
            throw .malformed(path: file.path, detail: "not a JSON object")
        }
        return object
    }

    /// The JSON object in a file that may be absent.
    static func objectIfPresent(in file: URL) throws(TokenizerError) -> [String: Any]? {
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        return try object(in: file)
    }

    /// A merge from its text in UTF-8, `left right`.
    static func merge(_ text: some Collection<UInt8>) -> (left: [UInt8], right: [UInt8])? {
        let parts = text.split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        return (Array(parts[0]), Array(parts[1]))
    }

    /// An added token from its JSON object; `id` is the file's.
    ///
    /// Throws: `unsupported` if the token takes blanks around it along or stands for whole words only.
    static func addedToken(_ object: [String: Any], id: Int, path: String) throws(TokenizerError) -> AddedToken {
        guard let content = object["content"] as? String else {
            throw .malformed(path: path, detail: "the added token \(id) has no content")
        }
        for flag in ["lstrip", "rstrip", "single_word"] where object[flag] as? Bool == true {
            throw .unsupported(path: path, component: "\(flag) of the added token \"\(content)\"", found: "true")
        }
        let special = object["special"] as? Bool ?? false
        return AddedToken(
            id: id, content: content, special: special, normalized: object["normalized"] as? Bool ?? !special)
    }
}
