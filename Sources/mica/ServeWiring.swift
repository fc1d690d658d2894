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

    /// The engine with its model; `onFault` is called when it, or one beside it, can do no job any more.
    static func decomposer(
        _ settings: ServiceSettings, onFault: @escaping @Sendable () -> Void
    ) throws -> PipelineDecomposer {
        let precision = try precisions(settings.precision)
        // Where there is nothing to rotate, not to rotate asks for nothing.
        guard settings.hadamard != true || precision.areQuantized else {
            throw SettingsError.value(
                source: ServiceSettings.Key.hadamard.rawValue, value: "true",
                expected: "left out or false unless precision is fp8, int8 or int4")
        }
        let compute = try choice(settings.compute, of: ComputePrecision.self, "compute")
        guard let tiling = VAETiling(rawValue: settings.vaeTiling) else {
            throw SettingsError.value(
                source: "vae_tiling", value: settings.vaeTiling,
                expected: "one of \(VAETiling.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let request = try OffloadRequest(
            offload: settings.offload, device: settings.device, budget: settings.budget,
            hostBudget: settings.hostBudget, map: try settings.deviceMap.map { try EngineDevices.map($0) })
        var components = ModelComponents(settings.transformer, settings.textEncoder, settings.vae)
        components.loras = try settings.loras.map { (text) throws(SettingsError) in
            guard let lora = LoRA(text: text) else {
                throw .value(source: "loras", value: text, expected: "a file, or file:weight with a finite number")
            }
            return lora
        }
        let model = try ModelFolder(try ModelLocation.folder(settings.model), components: components)
            .held(in: WeightForms(precision, isRotated: settings.hadamard))
        let machine = RateSource.Machine(
            compute: compute
                ?? ComputePrecision(for: precision.transformer ?? model.quantizedPrecision, on: request.devices),
            threads: settings.threads)
        let cache = ContentCache(limitBytes: settings.cacheMiB << 20)
        func engine(_ request: OffloadRequest, others: [any LayerDecomposer] = []) throws -> PipelineDecomposer {
            try PipelineDecomposer(
                model: model, request: request, tiling: tiling, machine: machine, cache: cache, others: others,
                onFault: onFault
            ) {
                let devices = try EngineDevices.open(request, threads: machine.threads, compute: machine.compute)
                try WarmUp.run(devices, model.weightForms)
                return devices
            }
        }
        // Several GPUs do a job each, unless a plan spreads one model over them.
        let requests = EngineDevices.requestsByWorker(request)
        let others = try requests.dropFirst().map { try engine($0) }
        return try engine(requests[0], others: others)
    }

    private static func precisions(_ text: String?) throws(SettingsError) -> ComponentPrecisions {
        guard let text else { return ComponentPrecisions() }
        do throws(ComponentPrecisionError) {
            return try ComponentPrecisions(text: text)
        } catch {
            throw .value(
                source: ServiceSettings.Key.precision.rawValue, value: text,
                expected: ComponentPrecisionError.expected + ": \(error)")
        }
    }

    private static func choice<Value: RawRepresentable<String> & CaseIterable>(
        _ text: String?, of type: Value.Type, _ name: String
    ) throws(SettingsError) -> Value? {
        guard let text else { return nil }
        guard let value = Value(rawValue: text) else {
            throw .value(
                source: name, value: text,
                expected: "one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return value
    }

    /// A key is a line of some hundred bytes.
    private static let largestKeyFileBytes = 16 << 20

    /// The keys of the file and of the environment.
    static func keys(_ settings: ServiceSettings) throws -> KeyRing {
        var ring = KeyRing()
        if let path = settings.apiKeys {
            try ring.add(try Configuration.text(of: path, limit: largestKeyFileBytes), source: path)
        }
        if let lines = settings.apiKeyHashes {
            try ring.add(oneLine: lines, source: ServiceSettings.Key.apiKeyHashes.rawValue)
        }
        // Keys that are meant to be there and are not must not open the service to everybody.
        let source = settings.apiKeys ?? settings.apiKeyHashes.map { _ in ServiceSettings.Key.apiKeyHashes.rawValue }
        if let source, ring.count == 0 {
            throw SettingsError.file(name: source, problem: "has no key; `mica key NAME` makes one")
        }
        return ring
    }

    static func service(_ settings: ServiceSettings, _ keys: KeyRing) -> LayerService.Configuration {
        var configuration = LayerService.Configuration()
        configuration.jobs.waitingLimit = settings.queueLength
        configuration.jobs.clientLimits = JobClientLimits(
            waiting: settings.clientWaitingLimit,
            running: settings.clientRunningLimit == 0 ? .max : settings.clientRunningLimit)
        configuration.maximumPixels = settings.pictureLimitMegapixels * 1_000_000
        configuration.uploadBytes = settings.bodyLimitMiB << 20
        configuration.keys = keys
        configuration.corsOrigins = settings.corsOrigins
        configuration.metricsNeedKey = settings.metricsKey
        configuration.servesTLS = settings.tlsCertificate != nil
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
        transport.leastBytesPerSecond = settings.leastBytesPerSecond
        transport.limits.bodyBytes = settings.bodyLimitMiB << 20
        // A few uploads of the largest size fit at once, whatever that is.
        transport.bodyBudgetBytes = max(transport.bodyBudgetBytes, 4 * transport.limits.bodyBytes)
        return transport
    }

    static func logger(_ settings: ServiceSettings, to queue: LogQueue) -> Logger {
        let level = Logger.Level(rawValue: settings.logLevel.rawValue) ?? .info
        return Logger(label: "mica") { _ in LogLines(level: level, format: settings.logFormat, queue: queue) }
    }
}
