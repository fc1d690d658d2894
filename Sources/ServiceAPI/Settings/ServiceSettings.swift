/// Everything about `mica serve` that can be configured; `config/mica.yaml` explains each.
public struct ServiceSettings: Sendable, Equatable {
    /// The names in the file. In the environment they are upper case with `MICA_` before them.
    public enum Key: String, Sendable, CaseIterable {
        case host
        case port
        case model
        case threads
        case logLevel = "log_level"
        case logFormat = "log_format"
        case queueLength = "queue_length"
        case bodyLimitMiB = "body_limit_mib"
        case pictureLimitMegapixels = "picture_limit_megapixels"
        case connectionLimit = "connection_limit"
        case shutdownGraceSeconds = "shutdown_grace_seconds"

        /// `MICA_PORT` and so on.
        public var environmentName: String { "MICA_\(rawValue.uppercased())" }
    }

    /// How a log line is written.
    public enum LogFormat: String, Sendable, CaseIterable {
        case text
        case json
    }

    /// The levels of swift-log.
    public enum LogLevel: String, Sendable, CaseIterable {
        case trace, debug, info, notice, warning, error, critical
    }

    /// Where the service listens.
    public var host = "127.0.0.1"
    public var port = 8080
    /// The model's folder; nil for the one that comes with Mica.
    public var model: String?
    /// Threads that compute; nil for as many as there are processors.
    public var threads: Int?
    public var logLevel = LogLevel.info
    public var logFormat = LogFormat.text
    public var queueLength = 8
    public var bodyLimitMiB = 64
    public var pictureLimitMegapixels = 50
    public var connectionLimit = 1024
    public var shutdownGraceSeconds = 25

    /// The defaults.
    public init() {}

    /// Sets one value from text; `source` is for the message, such as "MICA_PORT" or "port in mica.yaml".
    public mutating func set(_ key: Key, to text: String, source: String) throws(SettingsError) {
        func number(_ range: ClosedRange<Int>) throws(SettingsError) -> Int {
            let isNumber = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
            guard isNumber, let value = Int(text), range.contains(value) else {
                throw .value(
                    source: source, value: text,
                    expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return value
        }
        func choice<Value: RawRepresentable<String> & CaseIterable>(_: Value.Type) throws(SettingsError) -> Value {
            guard let value = Value(rawValue: text) else {
                throw .value(
                    source: source, value: text,
                    expected: "one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            return value
        }
        func nonEmpty() throws(SettingsError) -> String {
            guard !text.isEmpty else { throw .value(source: source, value: text, expected: "not empty") }
            return text
        }
        switch key {
        case .host: host = try nonEmpty()
        case .port: port = try number(0...65_535)
        case .model: model = try nonEmpty()
        case .threads: threads = try number(1...1024)
        case .logLevel: logLevel = try choice(LogLevel.self)
        case .logFormat: logFormat = try choice(LogFormat.self)
        case .queueLength: queueLength = try number(0...1000)
        case .bodyLimitMiB: bodyLimitMiB = try number(1...1024)
        case .pictureLimitMegapixels: pictureLimitMegapixels = try number(1...200)
        case .connectionLimit: connectionLimit = try number(1...100_000)
        case .shutdownGraceSeconds: shutdownGraceSeconds = try number(0...3600)
        }
    }

    /// Takes what the environment says.
    ///
    /// `tcp://...` as a port is what Kubernetes sets for a service that is called "mica", and not meant for us.
    public mutating func apply(environment: [String: String]) throws(SettingsError) {
        for key in Key.allCases {
            guard let text = environment[key.environmentName], !text.hasPrefix("tcp://") else { continue }
            try set(key, to: text, source: key.environmentName)
        }
    }

    /// Takes what a file says, given as its keys and values; an empty value leaves the default.
    public mutating func apply(
        file name: String, _ values: [(key: String, value: String)]
    ) throws(SettingsError) {
        var seen: Set<Key> = []
        for (text, value) in values {
            guard let key = Key(rawValue: text) else {
                throw .unknownKey(file: name, key: text, known: Key.allCases.map(\.rawValue))
            }
            guard seen.insert(key).inserted else { throw .repeatedKey(file: name, key: text) }
            if !value.isEmpty { try set(key, to: value, source: "\(text) in \(name)") }
        }
    }
}
