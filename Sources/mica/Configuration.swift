import Foundation
import ModelHub
import ServiceAPI
import Yams

/// Where the settings of `mica serve` come from: the file, then the environment over it, then the command line over
/// both.
enum Configuration {
    /// Names the file if `--config` does not.
    static let fileVariable = "MICA_CONFIG"
    /// A configuration is a page of text; anything larger is another file.
    private static let largestFileBytes = 1 << 20

    /// The settings by file and environment.
    static func settings(file: String?, environment: [String: String]) throws(SettingsError) -> ServiceSettings {
        var settings = ServiceSettings()
        if let path = file ?? environment[fileVariable].flatMap({ $0.isEmpty ? nil : $0 }) {
            let path = HomePath.expanded(path, environment: environment)
            try settings.apply(file: path, read(path))
        }
        try settings.apply(environment: environment)
        return settings
    }

    /// Options that may be lists of YAML, and are given on as lines.
    private static let lists: Set<String> = [ServiceSettings.Key.loras.rawValue]

    /// The texts of a list; nil for anything else.
    private static func list(_ node: Node) -> [String]? {
        guard let items = node.sequence else { return nil }
        let texts = items.compactMap { $0.scalar?.string }
        return texts.count == items.count ? texts : nil
    }

    /// The text of a file that the settings are or name, of `limit` bytes at most.
    static func text(of path: String, limit: Int) throws(SettingsError) -> String {
        let bytes: [UInt8]
        do throws(CommandError) {
            bytes = try InputFile.readNamed(path, limit: limit)
        } catch {
            throw .file(name: path, problem: "cannot be read: \(error.reason)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .file(name: path, problem: "is not UTF-8")
        }
        return text
    }

    /// The file's keys and values as text, in order.
    private static func read(_ path: String) throws(SettingsError) -> [(key: String, value: String)] {
        let text = try text(of: path, limit: largestFileBytes)
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            let reason = "\(error)".split(separator: "\n").joined(separator: " ")
            throw .file(name: path, problem: "is not YAML: \(reason)")
        }
        // A file of comments alone is an empty document.
        guard let node, node != Node("", Tag(.null)) else { return [] }
        guard let mapping = node.mapping else {
            throw .file(name: path, problem: "is not a list of 'name: value' lines")
        }
        var values: [(key: String, value: String)] = []
        for (key, value) in mapping {
            if let name = key.scalar?.string, lists.contains(name), let items = list(value) {
                values.append((name, items.map { $0 + "\n" }.joined()))
                continue
            }
            guard let name = key.scalar?.string, let scalar = value.scalar else {
                throw .file(name: path, problem: "'\(key.scalar?.string ?? "?")' must have a single value")
            }
            values.append((name, scalar.string == "~" || scalar.string == "null" ? "" : scalar.string))
        }
        return values
    }
}
