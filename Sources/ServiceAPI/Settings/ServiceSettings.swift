/// Everything about `mica serve` that can be configured; `config/mica.yaml` explains each.
public struct ServiceSettings: Sendable, Equatable {
    /// The names in the file. In the environment they are upper case with `MICA_` before them.
    public enum Key: String, Sendable, CaseIterable {
        case host
        case port
        case unixSocket = "unix_socket"
        case tlsCertificate = "tls_certificate"
        case tlsKey = "tls_key"
        case reusePort = "reuse_port"
        case model
        case transformer
        case textEncoder = "text_encoder"
        case vae
        case loras
        case threads
        case precision
        case compute
        case hadamard
        case offload
        case device
        case deviceMap = "device_map"
        case budget
        case hostBudget = "host_budget"
        case vaeTiling = "vae_tiling"
        case cacheMiB = "cache_mib"
        case stateFolder = "state_folder"
        case resultHours = "result_hours"
        case resultLimitMiB = "result_limit_mib"
        case queueLength = "queue_length"
        case clientWaitingLimit = "client_waiting_limit"
        case clientRunningLimit = "client_running_limit"
        case apiKeys = "api_keys"
        case apiKeyHashes = "api_key_hashes"
        case metricsKey = "metrics_key"
        case corsOrigins = "cors_origins"
        case bodyLimitMiB = "body_limit_mib"
        case pictureLimitMegapixels = "picture_limit_megapixels"
        case connectionLimit = "connection_limit"
        case connectionsPerAddress = "connections_per_address"
        case leastBytesPerSecond = "least_bytes_per_second"
        case logLevel = "log_level"
        case logFormat = "log_format"
        case drainSeconds = "drain_seconds"
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

    /// Where the service listens; a Unix socket instead of host and port if one is named.
    public var host = "127.0.0.1"
    public var port = 8080
    public var unixSocket: String?
    /// Files in PEM; both or none.
    public var tlsCertificate: String?
    public var tlsKey: String?
    public var reusePort = false
    /// The model's folder; nil for the one that comes with Mica.
    public var model: String?
    /// Weights instead of the model folder's; nil for its own.
    public var transformer: String?
    public var textEncoder: String?
    public var vae: String?
    /// LoRAs for the transformer, in the engine's words: `FILE` or `FILE:WEIGHT` each.
    public var loras: [String] = []
    /// Threads that compute; nil for as many as there are processors.
    public var threads: Int?
    /// What large matrices are held in and what the engine computes in, in the engine's words; nil for as the model has
    /// them, and for what suits that.
    public var precision: String?
    public var compute: String?
    /// Whether matrices are rotated before they are rounded to few bits.
    public var hadamard: Bool?
    /// Where weights live, in the engine's words: plan, devices, map and budgets; nil for no map and no budget.
    public var offload = "auto"
    public var device = "cpu"
    public var deviceMap: String?
    public var budget: String?
    public var hostBudget: String?
    /// The autoencoder in tiles: `auto`, `on` or `off`.
    public var vaeTiling = "auto"
    public var logLevel = LogLevel.info
    public var logFormat = LogFormat.text
    /// Where jobs are kept; nil for the usual folder, `none` keeps none.
    public var stateFolder: String?
    public var resultHours = 24
    public var resultLimitMiB = 10_240
    public var queueLength = 64
    public var clientWaitingLimit = 16
    /// 0 for no limit.
    public var clientRunningLimit = 0
    /// A file of keys, and lines of such a file.
    public var apiKeys: String?
    public var apiKeyHashes: String?
    public var metricsKey = false
    public var corsOrigins: [String] = []
    public var bodyLimitMiB = 64
    public var pictureLimitMegapixels = 50
    public var cacheMiB = 64
    public var connectionLimit = 1024
    /// 0 for no limit.
    public var connectionsPerAddress = 0
    public var leastBytesPerSecond = 500
    public var drainSeconds = 3
    public var shutdownGraceSeconds = 25

    /// The defaults.
    public init() {}

    /// Sets one value from text; `source` is for the message, such as "MICA_PORT" or "port in mica.yaml".
    public mutating func set(_ key: Key, to text: String, source: String) throws(SettingsError) {
        let value = SettingText(text: text, source: source)
        switch key {
        case .host: host = try value.nonEmpty()
        case .port: port = try value.number(0...65_535)
        case .unixSocket: unixSocket = try value.nonEmpty()
        case .tlsCertificate: tlsCertificate = try value.nonEmpty()
        case .tlsKey: tlsKey = try value.nonEmpty()
        case .reusePort: reusePort = try value.boolean()
        case .model: model = try value.nonEmpty()
        case .transformer: transformer = try value.nonEmpty()
        case .textEncoder: textEncoder = try value.nonEmpty()
        case .vae: vae = try value.nonEmpty()
        case .loras: loras = value.list()
        case .threads: threads = try value.number(1...1024)
        case .precision: precision = try value.nonEmpty()
        case .compute: compute = try value.nonEmpty()
        case .hadamard: hadamard = try value.boolean()
        case .offload: offload = try value.nonEmpty()
        case .device: device = try value.nonEmpty()
        case .deviceMap: deviceMap = try value.nonEmpty()
        case .budget: budget = try value.nonEmpty()
        case .hostBudget: hostBudget = try value.nonEmpty()
        case .vaeTiling: vaeTiling = try value.nonEmpty()
        case .logLevel: logLevel = try value.choice(LogLevel.self)
        case .logFormat: logFormat = try value.choice(LogFormat.self)
        case .stateFolder: stateFolder = try value.nonEmpty()
        case .resultHours: resultHours = try value.number(1...8760)
        case .resultLimitMiB: resultLimitMiB = try value.number(1...10_000_000)
        case .queueLength: queueLength = try value.number(1...10_000)
        case .clientWaitingLimit: clientWaitingLimit = try value.number(1...10_000)
        case .clientRunningLimit: clientRunningLimit = try value.number(0...10_000)
        case .apiKeys: apiKeys = try value.nonEmpty()
        case .apiKeyHashes: apiKeyHashes = try value.nonEmpty()
        case .metricsKey: metricsKey = try value.boolean()
        case .corsOrigins: corsOrigins = try value.origins()
        case .bodyLimitMiB: bodyLimitMiB = try value.number(1...1024)
        case .pictureLimitMegapixels: pictureLimitMegapixels = try value.number(1...200)
        case .cacheMiB: cacheMiB = try value.number(0...100_000)
        case .connectionLimit: connectionLimit = try value.number(1...100_000)
        case .connectionsPerAddress: connectionsPerAddress = try value.number(0...100_000)
        case .leastBytesPerSecond: leastBytesPerSecond = try value.number(1...1_000_000)
        case .drainSeconds: drainSeconds = try value.number(0...600)
        case .shutdownGraceSeconds: shutdownGraceSeconds = try value.number(0...3600)
        }
    }

    /// Changes every option that is a path, or may be one.
    public mutating func changePaths(_ change: (String) -> String) {
        for option: WritableKeyPath<Self, String?> in [
            \.unixSocket, \.tlsCertificate, \.tlsKey, \.model, \.transformer, \.textEncoder, \.vae, \.deviceMap,
            \.stateFolder, \.apiKeys,
        ] {
            self[keyPath: option] = self[keyPath: option].map(change)
        }
        loras = loras.map(change)
    }

    /// What no single option shows: throws if two of them do not go together.
    public func validate() throws(SettingsError) {
        let (certificate, key) = (Key.tlsCertificate.rawValue, Key.tlsKey.rawValue)
        if tlsCertificate != nil, tlsKey == nil { throw .missing(key: key, given: certificate) }
        if tlsKey != nil, tlsCertificate == nil { throw .missing(key: certificate, given: key) }
    }

    /// Takes what the environment says.
    ///
    /// `tcp://...` as a port is what Kubernetes sets for a service that is called "mica", and not meant for us.
    public mutating func apply(environment: [String: String]) throws(SettingsError) {
        for key in Key.allCases {
            let value = environment[key.environmentName]
            guard let text = value, !text.isEmpty, !text.hasPrefix("tcp://") else { continue }
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
