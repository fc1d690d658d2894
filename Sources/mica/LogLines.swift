import Foundation
import Logging
import ServiceAPI

/// Log lines on standard error, as text or as JSON, each written as soon as standard error takes it.
struct LogLines: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    private let format: ServiceSettings.LogFormat
    private let queue: LogQueue

    init(level: Logger.Level, format: ServiceSettings.LogFormat, queue: LogQueue) {
        logLevel = level
        self.format = format
        self.queue = queue
    }

    /// The way to standard error.
    static func queue(_ format: ServiceSettings.LogFormat) -> LogQueue {
        LogQueue { count in
            line(
                format, level: .warning, message: "standard error took no more: lines are missing",
                fields: ["lines": "\(count)"])
        } output: { text in
            // `write(_:)` would end the process where nobody reads any more.
            try FileHandle.standardError.write(contentsOf: Data(text.utf8))
        }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        queue.add(
            Self.line(
                format, level: event.level, message: event.message,
                fields: metadata.merging(event.metadata ?? [:]) { $1 }))
    }

    private static func line(
        _ format: ServiceSettings.LogFormat, level: Logger.Level, message: Logger.Message, fields: Logger.Metadata
    ) -> String {
        let time = Date().ISO8601Format()
        switch format {
        case .text: return text(time, level, message, fields)
        case .json: return json(time, level, message, fields)
        }
    }

    private static func text(
        _ time: String, _ level: Logger.Level, _ message: Logger.Message, _ fields: Logger.Metadata
    ) -> String {
        let pairs = fields.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        return "\(time) \(level) \(message)\(pairs)"
    }

    private static func json(
        _ time: String, _ level: Logger.Level, _ message: Logger.Message, _ fields: Logger.Metadata
    ) -> String {
        var object: [String: Any] = ["time": time, "level": "\(level)", "message": "\(message)"]
        for (key, value) in fields {
            let text = "\(value)"
            // Numbers stay numbers, so that they can be summed; ids stay text even if they look like one.
            object[key] = numbers.contains(key) ? Double(text) ?? text : text
        }
        let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    private static let numbers: Set<String> = ["status", "bytes", "seconds", "connections", "lines"]
}
