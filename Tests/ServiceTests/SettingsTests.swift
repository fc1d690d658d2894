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
            "MICA_LOG_FORMAT": "json", "MICA_QUEUE_LENGTH": "0", "MICA_BODY_LIMIT_MIB": "1",
            "MICA_PICTURE_LIMIT_MEGAPIXELS": "3", "MICA_CONNECTION_LIMIT": "4", "MICA_SHUTDOWN_GRACE_SECONDS": "5",
            "PATH": "x",
        ])
        var expected = ServiceSettings()
        expected.host = "::"
        expected.port = 9
        expected.model = "/m"
        expected.threads = 2
        expected.logLevel = .debug
        expected.logFormat = .json
        expected.queueLength = 0
        expected.bodyLimitMiB = 1
        expected.pictureLimitMegapixels = 3
        expected.connectionLimit = 4
        expected.shutdownGraceSeconds = 5
        #expect(settings == expected)
    }

    /// Kubernetes sets MICA_PORT for a service of that name.
    @Test func linksOfKubernetesAreNotMeantForUs() throws {
        var settings = ServiceSettings()
        try settings.apply(environment: ["MICA_PORT": "tcp://10.0.0.1:80"])
        #expect(settings == ServiceSettings())
    }

    @Test(arguments: [
        ("port", "65536", "0 to 65535"), ("port", "-1", "0 to 65535"), ("port", "http", "0 to 65535"),
        ("host", "", "not empty"),
        ("threads", "0", "1 to 1024"), ("log_level", "loud", "trace, debug"), ("log_format", "xml", "text, json"),
        ("queue_length", "1001", "0 to 1000"), ("body_limit_mib", "0", "1 to 1024"),
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

    @Test func strangersAndDoublesAreRefused() {
        var settings = ServiceSettings()
        #expect(throws: SettingsError.repeatedKey(file: "f", key: "port")) {
            try settings.apply(file: "f", [("port", "1"), ("port", "2")])
        }
        let error = #expect(throws: SettingsError.self) { try settings.apply(file: "f", [("prot", "1")]) }
        #expect(error?.description.contains("unknown option 'prot'") == true)
    }
}
