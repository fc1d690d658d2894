import ArgumentParser
import CPUBackend
import Foundation
import HTTPProtocol
import HTTPTransport
import Logging
import ServiceAPI

/// `mica serve`: the service in this process.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves layers over HTTP.",
        discussion: """
            Options come from the file, then from MICA_* in the environment, then from the command line; the later wins.
            SIGTERM and SIGINT stop accepting, let running requests finish, and exit 0.
            """)

    @Option(help: ArgumentHelp("Read options from this file; config/mica.yaml explains them.", valueName: "file"))
    var config: String?

    @Option(help: "The name or address to listen on; 0.0.0.0 for every network.")
    var host: String?

    @Option(help: "The port; 0 picks a free one.")
    var port: String?

    @Option(help: "The model's folder, with model_index.json. The model that comes with Mica if not given.")
    var model: String?

    @Option(help: "Threads that compute; as many as there are processors if not given.")
    var threads: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical; a line a request is info.")
    var logLevel: String?

    @Option(help: "text or json.")
    var logFormat: String?

    @Option(help: "Jobs that wait while one runs; beyond them the answer is 503.")
    var queueLength: String?

    func run() throws {
        do {
            try serve()
        } catch {
            CommandFailure.report("\(error)")
            throw ExitCode(1)
        }
    }

    private func serve() throws {
        let signals = ShutdownSignals()
        let settings = try settings()
        let logger = Self.logger(settings)
        let folder = try ModelLocation.folder(settings.model)
        let decomposer = try PipelineDecomposer(model: folder, backend: CPUBackend(threads: settings.threads))
        var limits = LayerService.Configuration()
        limits.waitingLimit = settings.queueLength
        limits.maximumPixels = settings.pictureLimitMegapixels * 1_000_000
        let service = LayerService(decomposer: decomposer, configuration: limits)
        let server = try HTTPServer(configuration: Self.transport(settings), handler: service, logger: logger)
        let greeting = """
            Mica serves \(decomposer.modelName) on \(server.url); try

              \(ServiceHint.curl(picture: Self.samplePicture(), url: server.url))

            """
        FileHandle.standardOutput.write(Data((greeting + "\n").utf8))
        let number = signals.wait()
        signals.endAtOnceOnTheNext()
        logger.notice("stopping", metadata: ["signal": "\(number)"])
        server.stop(graceSeconds: Double(settings.shutdownGraceSeconds))
    }

    /// File and environment, and the command line over them.
    private func settings() throws(SettingsError) -> ServiceSettings {
        var settings = try Configuration.settings(file: config, environment: ProcessInfo.processInfo.environment)
        let given: [(ServiceSettings.Key, String?)] = [
            (.host, host), (.port, port), (.model, model), (.threads, threads), (.logLevel, logLevel),
            (.logFormat, logFormat), (.queueLength, queueLength),
        ]
        for (key, text) in given {
            guard let text else { continue }
            try settings.set(key, to: text, source: "--\(key.rawValue.replacingOccurrences(of: "_", with: "-"))")
        }
        return settings
    }

    private static func transport(_ settings: ServiceSettings) -> TransportConfiguration {
        var transport = TransportConfiguration()
        transport.host = settings.host
        transport.port = settings.port
        transport.connectionLimit = settings.connectionLimit
        transport.limits.bodyBytes = settings.bodyLimitMiB << 20
        // A few uploads of the largest size fit at once, whatever that is.
        transport.bodyBudgetBytes = max(transport.bodyBudgetBytes, 4 * transport.limits.bodyBytes)
        return transport
    }

    private static func logger(_ settings: ServiceSettings) -> Logger {
        let level = Logger.Level(rawValue: settings.logLevel.rawValue) ?? .info
        return Logger(label: "mica") { _ in LogLines(level: level, format: settings.logFormat) }
    }

    /// The poster of the repository, if this runs inside of it, else a name to be replaced.
    private static func samplePicture() -> String {
        let poster = "docs/poster.png"
        if FileManager.default.fileExists(atPath: poster) { return poster }
        var folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        for _ in 0..<5 {
            folder.deleteLastPathComponent()
            let path = folder.appendingPathComponent(poster).path
            if FileManager.default.fileExists(atPath: path) { return path }
        }
        return "photo.jpg"
    }
}
