import HTTPProtocol
import Logging
import Synchronization

/// Carries one answer back to its connection, from any thread.
///
/// If it is let go without an answer, the client gets one anyway (`TransportFault.unanswered`): no request hangs.
public final class Responder: Sendable {
    /// Where answers go.
    private enum Destination: Sendable {
        case connection(ConnectionID, Mailbox, streamLimitBytes: Int, Logger)
        case closure(@Sendable (Response?) -> Void)
    }

    private let isUsed = Atomic<Bool>(false)
    private let destination: Destination

    /// `deliver` is called exactly once; with nil if nobody answered. For tests of handlers: a stream is collected, and
    /// delivered when it has finished.
    public init(deliver: @escaping @Sendable (Response?) -> Void) {
        destination = .closure(deliver)
    }

    init(connection: ConnectionID, mailbox: Mailbox, streamLimitBytes: Int, logger: Logger) {
        destination = .connection(connection, mailbox, streamLimitBytes: streamLimitBytes, logger)
    }

    deinit {
        deliver(nil)
    }

    /// Sends the answer; a second one is dropped.
    public func send(_ response: Response) { deliver(response) }

    /// Begins an answer whose body comes over time, after the pieces that `head` has already.
    ///
    /// HTTP/1.1 gets chunks, HTTP/1.0 everything up to the close. After another answer, the stream is not open.
    public func stream(_ head: Response) -> ResponseStream {
        let isFirst = !isUsed.exchange(true, ordering: .relaxed)
        let buffer: StreamBuffer
        switch destination {
        case .connection(let id, let mailbox, let limitBytes, _):
            buffer = StreamBuffer(limitBytes: limitBytes) { mailbox.post(.streamed(id)) }
            if isFirst { mailbox.post(.stream(id, head, buffer)) }
        case .closure(let deliver):
            let collector = StreamCollector(head: head, deliver: deliver)
            buffer = StreamBuffer(limitBytes: .max) { collector.collect() }
            collector.begin(buffer)
        }
        if !isFirst { buffer.close() }
        return ResponseStream(buffer: buffer)
    }

    private func deliver(_ response: Response?) {
        guard !isUsed.exchange(true, ordering: .relaxed) else { return }
        switch destination {
        case .connection(let id, let mailbox, _, let logger):
            guard let response, let source = response.source else { return mailbox.post(.answer(id, response)) }
            // What waits is bounded by the pump, which no piece overtakes.
            let buffer = StreamBuffer(limitBytes: .max, congestedBytes: BodyPump.pieceBytes) {
                mailbox.post(.streamed(id))
            }
            mailbox.post(.stream(id, response, buffer))
            BodyPump(source, to: buffer, logger: logger).start()
        case .closure(let deliver): deliver(response?.collected())
        }
    }
}

/// Makes one whole answer of a stream, where there is no connection to send it to.
private final class StreamCollector: Sendable {
    private struct State {
        var response: Response?
        weak var buffer: StreamBuffer?
    }

    private let state: Mutex<State>
    private let deliver: @Sendable (Response?) -> Void

    init(head: Response, deliver: @escaping @Sendable (Response?) -> Void) {
        state = Mutex(State(response: head))
        self.deliver = deliver
    }

    func begin(_ buffer: StreamBuffer) {
        state.withLock { $0.buffer = buffer }
    }

    func collect() {
        let ended = state.withLock { state -> (Response?, Bool) in
            guard let batch = state.buffer?.take() else { return (nil, false) }
            state.response?.body += batch.pieces
            guard batch.isLast || batch.isBroken else { return (nil, false) }
            defer { state.response = nil }
            return (batch.isBroken ? nil : state.response, true)
        }
        if ended.1 { deliver(ended.0) }
    }
}
