import Foundation
import Logging
import ServiceAPI

/// Log lines on standard error, as text or as JSON, each written at once.
struct LogLines: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    private let format: ServiceSettings.LogFormat

    init(level: Logger.Level, format: ServiceSettings.LogFormat) {
        logLevel = level
        self.format = format
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
        let time = Date().ISO8601Format()
        let line =
            switch format {
            case .text: text(time, event, fields)
            case .json: json(time, event, fields)
            }
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }

    private func text(_ time: String, _ event: LogEvent, _ fields: Logger.Metadata) -> String {
        let pairs = fields.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        return "\(time) \(event.level) \(event.message)\(pairs)"
    }

    private func json(_ time: String, _ event: LogEvent, _ fields: Logger.Metadata) -> String {
        var object: [String: Any] = ["time": time, "level": "\(event.level)", "message": "\(event.message)"]
        for (key, value) in fields {
            let text = "\(value)"
            // Numbers stay numbers, so that they can be summed; ids stay text even if they look like one.
            object[key] = Self.numbers.contains(key) ? Double(text) ?? text : text
        }
        let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    private static let numbers: Set<String> = ["status", "bytes", "seconds", "connections"]
}
