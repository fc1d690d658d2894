import Dispatch
import Foundation
import HTTPProtocol
import Logging
import Synchronization

/// An HTTP/1.1 server on raw sockets: one event loop on a thread of its own, handlers on Dispatch.
public final class HTTPServer: Sendable {
    /// The port that is listened to, also if 0 was asked for; 0 for a Unix socket.
    public let port: Int
    /// The host as configured.
    public let host: String
    private let configuration: TransportConfiguration
    private let mailbox: Mailbox
    private let ended = DispatchGroup()

    /// Binds, listens and serves until `stop`. Throws if the address cannot be had, or the certificate cannot be used.
    ///
    /// `logger` gets a line a request (level info): method, path, status, bytes, seconds, id.
    public init(
        configuration: TransportConfiguration, handler: any RequestHandler, logger: Logger
    ) throws(TransportError) {
        let tls = try Self.tls(configuration)
        DescriptorLimit.raise(forConnections: configuration.connectionLimit)
        let listeners = try ListeningSockets(configuration)
        let mailbox = try Mailbox()
        self.configuration = configuration
        host = configuration.host
        port = listeners.port
        self.mailbox = mailbox
        let started = Mutex<TransportError?>(nil)
        let ready = DispatchSemaphore(value: 0)
        ended.enter()
        // The loop is made on its thread and never leaves it.
        let thread = Thread { [ended] in
            defer { ended.leave() }
            do throws(TransportError) {
                let context = try LoopContext(
                    configuration: configuration, handler: handler, mailbox: mailbox, logger: logger)
                let loop = try EventLoop(context: context, listeners: listeners, tls: tls)
                ready.signal()
                loop.run()
            } catch {
                started.withLock { $0 = error }
                ready.signal()
            }
        }
        thread.name = "mica.loop"
        thread.start()
        ready.wait()
        if let error = started.withLock({ $0 }) { throw error }
    }

    deinit {
        mailbox.post(.stop(graceSeconds: 0))
    }

    /// The address as a client writes it; `unix:` and the path of a Unix socket.
    public var url: String {
        if let path = configuration.unixSocketPath { return "unix:\(path)" }
        let named = ["0.0.0.0", "::", ""].contains(host) ? "localhost" : host
        return "\(configuration.tls == nil ? "http" : "https")://\(named.contains(":") ? "[\(named)]" : named):\(port)"
    }

    /// Connections that are open.
    public var connectionCount: Int { mailbox.connectionCount.load(ordering: .relaxed) }

    private static func tls(_ configuration: TransportConfiguration) throws(TransportError) -> TLSContext? {
        guard let files = configuration.tls else { return nil }
        return try TLSContext(files)
    }

    /// Reads certificate and key anew, for connections from now on.
    ///
    /// Throws if they cannot be used; then the old ones stay.
    public func reloadCertificates() throws(TransportError) {
        guard let tls = try Self.tls(configuration) else { return }
        mailbox.post(.useTLS(tls))
    }

    /// Goes on accepting and answering, but every answer says `Connection: close`.
    ///
    /// That is for the time that load balancers need to send their requests elsewhere, before `stop`.
    public func beginDraining() { mailbox.post(.drain) }

    /// Stops accepting, lets requests that are under way end for up to `graceSeconds`, cancels the others and returns.
    ///
    /// Not to be called from a handler's queue.
    public func stop(graceSeconds: Double) {
        mailbox.post(.stop(graceSeconds: graceSeconds))
        ended.wait()
    }
}
