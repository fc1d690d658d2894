import HTTPTransport
import Logging

/// Servers of tests: on a free port, without logs, patient for a moment only.
enum TestServer {
    static func serve(
        _ handler: any RequestHandler, _ change: (inout TransportConfiguration) -> Void = { _ in }
    ) throws -> HTTPServer {
        var configuration = TransportConfiguration()
        configuration.port = 0
        configuration.lingerIdleSeconds = 0.3
        change(&configuration)
        return try HTTPServer(
            configuration: configuration, handler: handler,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}
