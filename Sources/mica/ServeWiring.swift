import CPUBackend
import Foundation
import HTTPProtocol
import HTTPTransport
import Jobs
import Logging
import QwenImage
import ServiceAPI
import TensorCore

/// Makes the parts of the service from the settings.
enum ServeWiring {
    static let version = "0.1.0"

    /// The engine with its model.
    static func decomposer(_ settings: ServiceSettings) throws -> PipelineDecomposer {
        guard let precision = ComputePrecision(rawValue: settings.precision) else {
            throw SettingsError.value(
                source: "precision", value: settings.precision,
                expected: "one of \(ComputePrecision.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        guard let tiling = VAETiling(rawValue: settings.vaeTiling) else {
            throw SettingsError.value(
                source: "vae_tiling", value: settings.vaeTiling,
                expected: "one of \(VAETiling.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let request = try OffloadRequest(
            offload: settings.offload, device: settings.device, budget: settings.budget,
            hostBudget: settings.hostBudget, map: try settings.deviceMap.map { try EngineDevices.map($0) })
        let folder = try ModelLocation.folder(settings.model)
        let cache = ContentCache(limitBytes: settings.cacheMiB << 20)
        func engine(_ request: OffloadRequest, others: [any LayerDecomposer] = []) throws -> PipelineDecomposer {
            try PipelineDecomposer(
                model: folder, request: request, tiling: tiling,
                machine: RateSource.Machine(precision: precision, threads: settings.threads), cache: cache,
                others: others
            ) {
                try EngineDevices.open(request, threads: settings.threads, precision: precision)
            }
        }
        // Several GPUs do a job each, unless a plan spreads one model over them.
        let requests = EngineDevices.requestsByWorker(request)
        let others = try requests.dropFirst().map { try engine($0) }
        return try engine(requests[0], others: others)
    }

    /// The keys of the file and of the environment.
    static func keys(_ settings: ServiceSettings) throws -> KeyRing {
        var ring = KeyRing()
        if let path = settings.apiKeys {
            guard let data = FileManager.default.contents(atPath: path) else {
                throw SettingsError.file(name: path, problem: "cannot be read")
            }
            guard let text = String(validating: data, as: UTF8.self) else {
                throw SettingsError.file(name: path, problem: "is not UTF-8")
            }
            try ring.add(text, source: path)
            // An empty file must not open the service to everybody.
            guard ring.count > 0 else {
                throw SettingsError.file(name: path, problem: "has no key; `mica key NAME` makes one")
            }
        }
        if let lines = settings.apiKeyHashes { try ring.add(lines, source: "api_key_hashes") }
        return ring
    }

    static func service(_ settings: ServiceSettings, _ keys: KeyRing) -> LayerService.Configuration {
        var configuration = LayerService.Configuration()
        configuration.jobs.waitingLimit = settings.queueLength
        configuration.clientWaitingLimit = settings.clientWaitingLimit
        configuration.clientRunningLimit = settings.clientRunningLimit == 0 ? .max : settings.clientRunningLimit
        configuration.maximumPixels = settings.pictureLimitMegapixels * 1_000_000
        configuration.uploadBytes = settings.bodyLimitMiB << 20
        configuration.keys = keys
        configuration.corsOrigins = settings.corsOrigins
        configuration.metricsNeedKey = settings.metricsKey
        configuration.version = version
        return configuration
    }

    static func transport(_ settings: ServiceSettings) -> TransportConfiguration {
        var transport = TransportConfiguration()
        transport.host = settings.host
        transport.port = settings.port
        transport.unixSocketPath = settings.unixSocket
        if let certificate = settings.tlsCertificate, let key = settings.tlsKey {
            transport.tls = TLSConfiguration(certificateFile: certificate, keyFile: key)
        }
        transport.reusesPort = settings.reusePort
        transport.connectionLimit = settings.connectionLimit
        transport.connectionLimitPerAddress = settings.connectionsPerAddress
        transport.limits.bodyBytes = settings.bodyLimitMiB << 20
        // A few uploads of the largest size fit at once, whatever that is.
        transport.bodyBudgetBytes = max(transport.bodyBudgetBytes, 4 * transport.limits.bodyBytes)
        return transport
    }

    static func logger(_ settings: ServiceSettings) -> Logger {
        let level = Logger.Level(rawValue: settings.logLevel.rawValue) ?? .info
        return Logger(label: "mica") { _ in LogLines(level: level, format: settings.logFormat) }
    }
}
