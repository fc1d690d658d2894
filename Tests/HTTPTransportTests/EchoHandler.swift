import Dispatch
import HTTPProtocol
import HTTPTransport
import Synchronization

/// Answers with what it was sent; some paths do something else.
final class EchoHandler: RequestHandler {
    let cancelled = Counter()
    let started = Counter()
    /// Actions for a client's going that were let go of.
    let released = Counter()
    /// `/hold` and others that hold wait for this.
    let gate = DispatchSemaphore(value: 0)
    /// Keeps what `/late` would answer with.
    private let kept = Mutex<[Responder]>([])
    private let holding = DispatchQueue(label: "test.holding")

    func immediateResponse(to head: RequestHead) -> Response? {
        switch String(decoding: head.target.path, as: UTF8.self) {
        case "/now": Response(status: 200, body: [Array("now \(head.target.query.map(\.count) ?? 0)".utf8)])
        case "/refused": Response(status: 403, body: [Array("no".utf8)])
        case "/stall": stalled()
        default: nil
        }
    }

    /// Keeps the event loop from everything until `gate` lets it go.
    private func stalled() -> Response {
        started.add()
        gate.wait()
        return Response(status: 200)
    }

    func respond(to request: Request, through responder: Responder) {
        started.add()
        switch String(decoding: request.head.target.path, as: UTF8.self) {
        case "/quiet": return hold { responder.send(Response(status: 200, body: [Array("quiet".utf8)])) }
        case "/late":
            kept.withLock { $0.append(responder) }
            return hold { [cancelled] in request.cancellation.onCancel { cancelled.add() } }
        default: respondOrHear(request, responder)
        }
    }

    private func hold(_ work: @escaping @Sendable () -> Void) {
        holding.async { [gate] in
            gate.wait()
            work()
        }
    }

    /// Wants to know of the client's going.
    private func respondOrHear(_ request: Request, _ responder: Responder) {
        let tracker = Tracker(released)
        // Holds the request, and so the cancellation that holds this.
        request.cancellation.onCancel { [cancelled] in
            cancelled.add()
            withExtendedLifetime((tracker, request)) {}
        }
        switch String(decoding: request.head.target.path, as: UTF8.self) {
        case "/hold": hold { responder.send(Response(status: 200, body: [Array("held".utf8)])) }
        case "/large": responder.send(Response(status: 200, body: [[UInt8](repeating: 7, count: 8_000_000)]))
        case "/nothing": break
        default: responder.send(Response(status: 200, body: [Array("\(request.head.method) ".utf8), request.body]))
        }
    }

    private final class Tracker: Sendable {
        private let released: Counter

        init(_ released: Counter) { self.released = released }

        deinit { released.add() }
    }

    func response(to fault: TransportFault, head: RequestHead?) -> Response {
        let status =
            switch fault {
            case .malformed(.bodyTooLarge): 413
            case .malformed, .plainHTTP: 400
            case .slowHead, .slowBody: 408
            case .tooManyConnections, .bodyBudgetUsedUp, .answerBudgetUsedUp: 503
            case .unanswered: 500
            }
        let path = head.map { [("X-Path", String(decoding: $0.target.path, as: UTF8.self))] } ?? []
        return Response(status: status, fields: path, body: [Array("\(fault)".utf8)])
    }
}
