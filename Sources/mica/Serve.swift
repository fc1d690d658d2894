import ArgumentParser
import CPUBackend
import Foundation
import HTTPTransport
import Jobs
import Logging
import ServiceAPI

/// `mica serve`: the service in this process.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves layers over HTTP.",
        discussion: """
            Options are read from the file, then from MICA_* in the environment, then from the command line; the \
            later wins. config/mica.yaml explains all of them. SIGTERM and SIGINT let running jobs finish and exit \
            0, a second one ends the service at once with 128 and its number (kept jobs run again at the next \
            start); SIGHUP reads keys and certificates again. A GPU that is lost for good ends it with 1.
            """)

    @OptionGroup var options: ServeOptions

    @Flag(help: "Say what is wrong with the options, or that nothing is, and do not serve.")
    var checkConfig = false

    func run() throws {
        do {
            try checkConfig ? check() : serve()
        } catch {
            CommandFailure.report("\(error)")
            throw ExitCode(1)
        }
    }

    /// Everything that can be told without listening: options, keys, certificates, the model.
    private func check() throws {
        let settings = try options.settings()
        let lines = LogLines.queue(settings.logFormat)
        defer { lines.flush(withinSeconds: Self.longestSecondsForLog) }
        warn(ServeWiring.logger(settings, to: lines))
        _ = try ServeWiring.keys(settings)
        try JobFolder.check(settings)
        _ = try ServeWiring.decomposer(settings) {}
        try ServeWiring.transport(settings).tls?.check()
        try StandardOutput.print("the configuration is valid")
    }

    private func serve() throws {
        let signals = ServiceSignals()
        let settings = try options.settings()
        let lines = LogLines.queue(settings.logFormat)
        defer { lines.flush(withinSeconds: Self.longestSecondsForLog) }
        let logger = ServeWiring.logger(settings, to: lines)
        warn(logger)
        let keys = try ServeWiring.keys(settings)
        let decomposer = try ServeWiring.decomposer(settings) { ServiceSignals.askToLook() }
        let folder = try JobFolder(settings, logger: logger)
        defer { folder.removeIfTemporary() }
        let service = try LayerService(
            decomposer: decomposer, configuration: ServeWiring.service(settings, keys), store: folder.store,
            logger: logger)
        let server = try HTTPServer(
            configuration: ServeWiring.transport(settings), handler: service, logger: logger)
        service.setConnectionCount { [weak server] in server?.connectionCount ?? 0 }
        // A client names some host, whatever it is, when it connects to a socket.
        let named = settings.tlsCertificate == nil ? "http://localhost" : "https://localhost"
        let hint = ServiceHint.curl(
            picture: Self.samplePicture(), url: settings.unixSocket == nil ? server.url : named,
            unixSocket: settings.unixSocket, needsKey: keys.count > 0)
        let greeting = """
            Mica serves \(decomposer.modelName) on \(server.url); try

              \(hint)

            """
        try StandardOutput.print(greeting)
        // Only now: a job that is begun has used one of its attempts, and what failed before would do so again.
        service.start()
        waiting: while true {
            switch signals.wait() {
            case .reload: reload(settings, service, server, logger)
            case .look: if service.fault != nil { break waiting }
            case .stop: break waiting
            }
        }
        signals.endAtOnceOnTheNext()
        stop(settings, service, server, logger)
        // Whoever watches over the service starts it again: a new process can have the device.
        if let fault = service.fault { throw EngineFault(reason: fault) }
    }

    /// Why the service ended although nobody asked it to.
    private struct EngineFault: Error, CustomStringConvertible {
        let reason: String
        var description: String { "the service ended: \(reason)" }
    }

    /// Says which variables are nobody's: a misspelt one leaves its option as it was, and the service perhaps open.
    private func warn(_ logger: Logger) {
        for name in ServiceSettings.unknownVariables(in: ProcessInfo.processInfo.environment) {
            logger.warning("no part of Mica reads this variable", metadata: ["variable": "\(name)"])
        }
    }

    /// New keys and certificates; all those of before stay if any of the new ones cannot be used.
    private func reload(_ settings: ServiceSettings, _ service: LayerService, _ server: HTTPServer, _ logger: Logger) {
        do {
            let keys = try ServeWiring.keys(settings)
            try server.reloadCertificates()
            service.access.replace(keys)
            logger.notice("read again", metadata: ["keys": "\(keys.count)"])
        } catch {
            logger.error("not read again", metadata: ["problem": "\(error)"])
        }
    }

    /// How long the end waits for whoever reads the log.
    private static let longestSecondsForLog = 2.0

    /// What answers that are slow to be taken have at least, even after a grace that jobs used up.
    private static let leastSecondsForAnswers = 1.0

    /// First nobody is to come any more, then what runs may end, then the connections.
    private func stop(_ settings: ServiceSettings, _ service: LayerService, _ server: HTTPServer, _ logger: Logger) {
        logger.notice("stopping")
        let start = ContinuousClock.now
        let idle = DispatchSemaphore(value: 0)
        let grace = Double(settings.shutdownGraceSeconds)
        service.stop(graceSeconds: grace) { idle.signal() }
        server.beginDraining()
        Thread.sleep(forTimeInterval: min(Double(settings.drainSeconds), grace))
        idle.wait()
        let rest = grace - (ContinuousClock.now - start) / .seconds(1)
        // Answers are made by now, and streams of events have ended: nothing is waited for but clients that are slow to
        // take what they asked for.
        server.stop(graceSeconds: max(Self.leastSecondsForAnswers, rest))
        logger.notice("stopped")
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
