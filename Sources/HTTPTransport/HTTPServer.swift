import Dispatch
import Foundation
import HTTPProtocol
import Logging
import Synchronization

/// An HTTP/1.1 server on raw sockets: one event loop on a thread of its own, handlers on Dispatch.
public final class HTTPServer: Sendable {
    /// The port that is listened to, also if 0 was asked for.
    public let port: Int
    /// The host as configured.
    public let host: String
    private let mailbox: Mailbox
    private let ended = DispatchGroup()

    /// Binds, listens and serves until `stop`. Throws if the address cannot be had.
    ///
    /// `logger` gets a line a request (level info): method, path, status, bytes, seconds, id.
    public init(
        configuration: TransportConfiguration, handler: any RequestHandler, logger: Logger
    ) throws(TransportError) {
        let listeners = try ListeningSockets(host: configuration.host, port: configuration.port)
        let mailbox = try Mailbox()
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
                let loop = try EventLoop(context: context, listeners: listeners)
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

    /// The address as a client writes it.
    public var url: String {
        let named = ["0.0.0.0", "::", ""].contains(host) ? "localhost" : host
        return "http://\(named.contains(":") ? "[\(named)]" : named):\(port)"
    }

    /// Stops accepting, lets requests that are under way end for up to `graceSeconds`, cancels the others and returns.
    ///
    /// Not to be called from a handler's queue.
    public func stop(graceSeconds: Double) {
        mailbox.post(.stop(graceSeconds: graceSeconds))
        ended.wait()
    }
}
