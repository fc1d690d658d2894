import Foundation
import ServiceAPI
import Testing
import Yams

@Suite struct SettingsTests {
    private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("config/mica.yaml")

    /// The file in the repository names every option, with its default.
    @Test func theFileHoldsEveryDefault() throws {
        let text = try String(contentsOf: Self.file, encoding: .utf8)
        let mapping = try #require(try Yams.compose(yaml: text)?.mapping)
        let values = mapping.map { (key: $0.key.scalar?.string ?? "", value: $0.value.scalar?.string ?? "") }
        #expect(values.map(\.key) == ServiceSettings.Key.allCases.map(\.rawValue))
        var settings = ServiceSettings()
        settings.port = 1
        settings.queueLength = 1
        try settings.apply(file: "mica.yaml", values)
        #expect(settings == ServiceSettings())
        for key in ServiceSettings.Key.allCases {
            #expect(text.contains("\n\n# ") && text.contains("\n\(key.rawValue):"), "\(key.rawValue)")
        }
    }

    @Test func theEnvironmentHasEveryOption() throws {
        var settings = ServiceSettings()
        try settings.apply(environment: [
            "MICA_HOST": "::", "MICA_PORT": "9", "MICA_MODEL": "/m", "MICA_THREADS": "2", "MICA_LOG_LEVEL": "debug",
            "MICA_LOG_FORMAT": "json", "MICA_QUEUE_LENGTH": "2", "MICA_BODY_LIMIT_MIB": "1",
            "MICA_PICTURE_LIMIT_MEGAPIXELS": "3", "MICA_CONNECTION_LIMIT": "4",
            "MICA_SHUTDOWN_GRACE_SECONDS": "5",
            "MICA_UNIX_SOCKET": "/s", "MICA_TLS_CERTIFICATE": "/c", "MICA_TLS_KEY": "/k",
            "MICA_REUSE_PORT": "true",
            "MICA_PRECISION": "bfloat16", "MICA_COMPUTE": "int8", "MICA_HADAMARD": "yes",
            "MICA_TRANSFORMER": "/t",
            "MICA_TEXT_ENCODER": "/e", "MICA_VAE": "/v", "MICA_CACHE_MIB": "0", "MICA_STATE_FOLDER": "/j",
            "MICA_RESULT_HOURS": "6", "MICA_RESULT_LIMIT_MIB": "7", "MICA_CLIENT_WAITING_LIMIT": "8",
            "MICA_CLIENT_RUNNING_LIMIT": "9", "MICA_API_KEYS": "/a", "MICA_API_KEY_HASHES": "a sha256:00",
            "MICA_METRICS_KEY": "true", "MICA_CORS_ORIGINS": "https://a.example, http://b.example:81",
            "MICA_CONNECTIONS_PER_ADDRESS": "10", "MICA_DRAIN_SECONDS": "11",
            "MICA_LEAST_BYTES_PER_SECOND": "12", "PATH": "x",
        ])
        var expected = ServiceSettings()
        expected.host = "::"
        expected.port = 9
        expected.model = "/m"
        expected.threads = 2
        expected.logLevel = .debug
        expected.logFormat = .json
        expected.queueLength = 2
        expected.bodyLimitMiB = 1
        expected.pictureLimitMegapixels = 3
        expected.connectionLimit = 4
        expected.shutdownGraceSeconds = 5
        expected.unixSocket = "/s"
        expected.tlsCertificate = "/c"
        expected.tlsKey = "/k"
        expected.reusePort = true
        expected.precision = "bfloat16"
        expected.compute = "int8"
        expected.hadamard = true
        expected.transformer = "/t"
        expected.textEncoder = "/e"
        expected.vae = "/v"
        expected.cacheMiB = 0
        expected.stateFolder = "/j"
        expected.resultHours = 6
        expected.resultLimitMiB = 7
        expected.clientWaitingLimit = 8
        expected.clientRunningLimit = 9
        expected.apiKeys = "/a"
        expected.apiKeyHashes = "a sha256:00"
        expected.metricsKey = true
        expected.corsOrigins = ["https://a.example", "http://b.example:81"]
        expected.connectionsPerAddress = 10
        expected.drainSeconds = 11
        expected.leastBytesPerSecond = 12
        #expect(settings == expected)
    }

    /// Each of them, and nothing else.
    @Test func pathsCanBeChanged() throws {
        var settings = ServiceSettings()
        let paths: [ServiceSettings.Key] = [
            .unixSocket, .tlsCertificate, .tlsKey, .model, .transformer, .textEncoder, .vae, .loras, .deviceMap,
            .stateFolder, .apiKeys,
        ]
        let texts: [ServiceSettings.Key] = [.host, .precision, .device, .budget, .apiKeyHashes]
        for key in paths + texts { try settings.set(key, to: "~", source: "") }
        settings.changePaths { "/h\($0.dropFirst())" }
        #expect(settings.loras == ["/h"])
        let changed = [
            settings.unixSocket, settings.tlsCertificate, settings.tlsKey, settings.model, settings.transformer,
            settings.textEncoder, settings.vae, settings.deviceMap, settings.stateFolder, settings.apiKeys,
        ]
        #expect(changed.allSatisfy { $0 == "/h" })
        let kept = [settings.host, settings.precision, settings.device, settings.budget, settings.apiKeyHashes]
        #expect(kept.allSatisfy { $0 == "~" })
    }

    /// Kubernetes sets MICA_PORT for a service of that name.
    @Test func linksOfKubernetesAreNotMeantForUs() throws {
        var settings = ServiceSettings()
        try settings.apply(environment: ["MICA_PORT": "tcp://10.0.0.1:80"])
        #expect(settings == ServiceSettings())
    }

    @Test func strangersInTheEnvironmentAreNamed() {
        let strangers = ["MICA_API_KEY", "MICA_PROT", "MICA_", "MICA_SERVICE"]
        let others = [
            "MICA_PORT": "tcp://10.0.0.1:80", "MICA_PORT_80_TCP": "tcp://10.0.0.1:80", "MICA_PORT_80_TCP_PORT": "80",
            "MICA_SERVICE_HOST": "10.0.0.1", "MICA_SERVICE_PORT": "80", "MICA_SERVICE_PORT_HTTP": "80",
            "MICA_DEMO_PORT": "tcp://10.0.0.1:80", "MICA_QUEUE_LENGHT": "", "MICA_TEST_PATIENCE": "2",
            "MICA_MODELS": "/m", "MICA_LOG_LEVEL": "info", "PATH": "x", "mica_key": "x",
        ]
        let environment = others.merging(strangers.map { ($0, "x") }) { $1 }
        #expect(ServiceSettings.unknownVariables(in: environment) == strangers.sorted())
    }

    /// Every variable that some source reads by name is known.
    @Test func variablesOfAllModulesAreKnown() throws {
        let folder = Self.file.deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Sources")
        var found: Set<String> = []
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        for case let file as URL in files
        where file.pathExtension == "swift" && file.lastPathComponent != "ServiceSettings+Unknown.swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            found.formUnion(text.matches(of: /"(MICA_[A-Z0-9_]+)"/).map { String($0.1) })
        }
        #expect(found.isSuperset(of: ServiceSettings.otherVariables))
        let environment = Dictionary(uniqueKeysWithValues: found.map { ($0, "x") })
        #expect(ServiceSettings.unknownVariables(in: environment).isEmpty)
    }

    @Test(arguments: [
        ("port", "65536", "0 to 65535"), ("port", "-1", "0 to 65535"), ("port", "http", "0 to 65535"),
        ("host", "", "not empty"),
        ("threads", "0", "1 to 1024"), ("log_level", "loud", "trace, debug"), ("log_format", "xml", "text, json"),
        ("queue_length", "0", "1 to 10000"), ("metrics_key", "maybe", "true or false"), ("api_keys", "", "not empty"),
        ("cors_origins", "https://a.example/path", "origins"), ("cors_origins", "a.example", "origins"),
        ("result_hours", "0", "1 to 8760"), ("drain_seconds", "601", "0 to 600"), ("body_limit_mib", "0", "1 to 1024"),
        ("connection_limit", "+5", "1 to 100000"),
        ("picture_limit_megapixels", "201", "1 to 200"), ("shutdown_grace_seconds", "1.5", "0 to 3600"),
    ])
    func valuesOutOfRangeAreNamed(name: String, value: String, range: String) throws {
        var settings = ServiceSettings()
        let key = try #require(ServiceSettings.Key(rawValue: name))
        let error = #expect(throws: SettingsError.self) {
            try settings.set(key, to: value, source: key.environmentName)
        }
        let text = error?.description ?? ""
        #expect(text.contains(range) && text.contains("MICA_\(name.uppercased())") && !text.contains("\n"))
        #expect(settings == ServiceSettings())
    }

    @Test func aCertificateNeedsItsKey() {
        var settings = ServiceSettings()
        settings.tlsCertificate = "/c"
        let error = #expect(throws: SettingsError.self) { try settings.validate() }
        #expect(error?.description.contains("tls_key") == true)
    }

    /// Between commas, or one a line, so that a name may have a comma.
    @Test(arguments: [
        ("a.safetensors", ["a.safetensors"]), (" a:0.5 , b c:1,", ["a:0.5", "b c:1"]), ("a,b:2\n", ["a,b:2"]),
        ("a\n\n b \r\n", ["a", "b"]), (",", []),
    ])
    func listsOfLoRAs(_ text: String, _ expected: [String]) throws {
        var settings = ServiceSettings()
        try settings.apply(environment: ["MICA_LORAS": text])
        #expect(settings.loras == expected)
    }

    @Test func strangersAndDoublesAreRefused() {
        var settings = ServiceSettings()
        #expect(throws: SettingsError.repeatedKey(file: "f", key: "port")) {
            try settings.apply(file: "f", [("port", "1"), ("port", "2")])
        }
        let error = #expect(throws: SettingsError.self) { try settings.apply(file: "f", [("prot", "1")]) }
        #expect(error?.description.contains("unknown option 'prot'") == true)
    }
}
