import HTTPProtocol
import Logging
import Synchronization

/// Carries one answer back to its connection, from any thread.
///
/// If it is let go without an answer, the client gets one anyway (`TransportFault.unanswered`): no request hangs.
public final class Responder: Sendable {
    /// Where answers go.
    private enum Destination: Sendable {
        case connection(ReturnPath)
        case closure(AnswerBudget, @Sendable (Response?) -> Void)
    }

    private let isUsed = Atomic<Bool>(false)
    private let destination: Destination

    /// `deliver` is called exactly once; with nil if nobody answered. For tests of handlers: a stream is collected, and
    /// delivered when it has finished. Without `hasRoom`, only small answers find room.
    public init(hasRoom: Bool = true, deliver: @escaping @Sendable (Response?) -> Void) {
        destination = .closure(AnswerBudget(limitBytes: hasRoom ? .max : 0, heldBytes: hasRoom ? 0 : 1), deliver)
    }

    init(to path: ReturnPath) {
        destination = .connection(path)
    }

    deinit {
        fail(.unanswered)
    }

    /// Room for an answer that is in memory until its client has taken it; nil if the budget for those has none, so
    /// that something smaller must be sent. For whoever wants to know before; `send` alone answers with a fault then.
    public func room(for response: Response) -> AnswerRoom? {
        switch destination {
        case .connection(let path):
            path.isHead ? AnswerRoom.unneeded : path.budget.room(byteCount: response.heldByteCount)
        case .closure(let budget, _): budget.room(byteCount: response.heldByteCount)
        }
    }

    /// Sends the answer; a second one is dropped.
    public func send(_ response: Response) {
        if let room = room(for: response) { send(response, in: room) } else { fail(.answerBudgetUsedUp) }
    }

    /// Begins an answer whose body comes over time, after the pieces that `head` has already.
    ///
    /// HTTP/1.1 gets chunks, HTTP/1.0 everything up to the close. After another answer, the stream is not open.
    public func stream(_ head: Response) -> ResponseStream {
        let isFirst = !isUsed.exchange(true, ordering: .relaxed)
        let buffer: StreamBuffer
        switch destination {
        case .connection(let path):
            let (mailbox, id) = (path.mailbox, path.connection)
            buffer = StreamBuffer(limitBytes: path.streamLimitBytes) { mailbox.post(.streamed(id)) }
            guard isFirst else { break }
            if let room = room(for: head) {
                mailbox.post(.stream(id, head, buffer, room))
            } else {
                buffer.close()
                mailbox.post(.fault(id, .answerBudgetUsedUp))
            }
        case .closure(_, let deliver):
            let collector = StreamCollector(head: head, deliver: deliver)
            buffer = StreamBuffer(limitBytes: .max) { collector.collect() }
            collector.begin(buffer)
        }
        if !isFirst { buffer.close() }
        return ResponseStream(buffer: buffer)
    }

    /// Sends the answer, for which there is `room`.
    public func send(_ response: Response, in room: AnswerRoom) {
        guard !isUsed.exchange(true, ordering: .relaxed) else { return }
        switch destination {
        case .connection(let path):
            let (mailbox, id) = (path.mailbox, path.connection)
            guard let source = response.source else { return mailbox.post(.answer(id, response, room)) }
            // What waits is bounded by the pump, which no piece overtakes.
            let buffer = StreamBuffer(limitBytes: .max, congestedBytes: BodyPump.pieceBytes) {
                mailbox.post(.streamed(id))
            }
            mailbox.post(.stream(id, response, buffer, room))
            BodyPump(source, to: buffer, logger: path.logger).start()
        case .closure(_, let deliver): deliver(response.collected())
        }
    }

    private func fail(_ fault: TransportFault) {
        guard !isUsed.exchange(true, ordering: .relaxed) else { return }
        switch destination {
        case .connection(let path): path.mailbox.post(.fault(path.connection, fault))
        case .closure(_, let deliver): deliver(nil)
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
