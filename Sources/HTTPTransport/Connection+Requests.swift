import Dispatch
import HTTPProtocol

/// Requests, from bytes to the handler.
extension Connection {
    /// Takes what was received as far as possible.
    func advance() {
        while output.byteCount < Self.outputBatchBytes {
            do {
                switch try parser.next() {
                case .needsMore:
                    parser.releaseIdleMemory()
                    return
                case .head(let head): begin(head)
                case .body(let slice): append(slice)
                case .end: end()
                }
            } catch {
                // It is answered as what it would have been.
                if let head = parser.refusedHead { current = Current(head: head, id: context.requestID(for: head)) }
                fail(.malformed(error))
            }
            guard phase == .receiving else { return }
        }
        isHeldBack = true
    }

    private func begin(_ head: RequestHead) {
        let immediate = context.handler.immediateResponse(to: head)
        current = Current(head: head, id: context.requestID(for: head), immediate: immediate)
        guard head.hasBody else { return }
        timers.bodyBegins(at: context.clock.now)
        if let immediate {
            // Nobody reads the body, so nobody knows where a next request begins.
            answer(immediate, closes: true)
        } else if head.expectsContinue, parser.bufferedByteCount == 0 {
            send(Response.interimContinue)
        }
    }

    private func append(_ slice: ArraySlice<UInt8>) {
        context.heldBodyBytes += slice.count
        current?.bodyBytes += slice.count
        guard context.heldBodyBytes <= context.configuration.bodyBudgetBytes else { return fail(.bodyBudgetUsedUp) }
        current?.body.append(contentsOf: slice)
    }

    private func end() {
        guard let request = current else { return }
        if let immediate = request.immediate { return answer(immediate) }
        phase = .answering
        let cancellation = RequestCancellation { [mailbox = context.mailbox, id] in mailbox.post(.givenUp(id)) }
        if hasSeenEnd { _ = cancellation.clientEnded() }
        current?.cancellation = cancellation
        current?.body = []
        let responder = Responder(
            to: ReturnPath(
                connection: id, mailbox: context.mailbox, budget: context.answers,
                streamLimitBytes: context.configuration.streamBufferBytes, isHead: request.head.method == "HEAD",
                logger: context.logger))
        let whole = Request(
            head: request.head, body: request.body, id: request.id.text, cancellation: cancellation)
        context.handlerQueue.async { [handler = context.handler] in handler.respond(to: whole, through: responder) }
    }

    /// The request is over: what it held is given back.
    func finishCurrent() {
        context.heldBodyBytes -= current?.bodyBytes ?? 0
        current = nil
    }
}
