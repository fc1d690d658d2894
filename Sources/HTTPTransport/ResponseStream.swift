/// A body that is written over time, such as server-sent events; to be used from any thread.
///
/// A stream that is let go without `finish` cuts the connection, so that the client sees that something is missing.
public final class ResponseStream: Sendable {
    private let buffer: StreamBuffer

    init(buffer: StreamBuffer) {
        self.buffer = buffer
    }

    deinit {
        buffer.end(isBroken: true)
    }

    /// False once the client is gone, wants no body (`HEAD`), or the stream has finished.
    public var isOpen: Bool { buffer.isOpen }

    /// True while more than 256 KiB wait for the client: what can be left out should be.
    public var isCongested: Bool { buffer.isCongested }

    /// Sends bytes as soon as the client takes them; false if nobody takes them any more.
    ///
    /// A client for which more than `TransportConfiguration.streamBufferBytes` wait is given up.
    @discardableResult
    public func write(_ bytes: [UInt8]) -> Bool { buffer.write(bytes) }

    /// Ends the body properly. Later writes are dropped.
    public func finish() { buffer.end(isBroken: false) }

    /// Runs `action` once: when the stream is no longer congested, or the client is gone.
    ///
    /// If that is so already, it runs at once. It may run on the event loop: it must not wait.
    public func whenWritable(_ action: @escaping @Sendable () -> Void) { buffer.whenWritable(action) }
}
