import Dispatch
import HTTPProtocol
import HTTPTransport

/// Answers with what it was sent; some paths do something else.
final class EchoHandler: RequestHandler {
    let cancelled = Counter()
    let started = Counter()
    /// Actions for a client's going that were let go of.
    let released = Counter()
    /// `/hold` waits for this.
    let gate = DispatchSemaphore(value: 0)
    private let holding = DispatchQueue(label: "test.holding")

    func immediateResponse(to head: RequestHead) -> Response? {
        switch String(decoding: head.target.path, as: UTF8.self) {
        case "/now": Response(status: 200, body: [Array("now \(head.target.query.map(\.count) ?? 0)".utf8)])
        case "/refused": Response(status: 403, body: [Array("no".utf8)])
        default: nil
        }
    }

    func respond(to request: Request, through responder: Responder) {
        started.add()
        let tracker = Tracker(released)
        // Holds the request, and so the cancellation that holds this.
        request.cancellation.onCancel { [cancelled] in
            cancelled.add()
            withExtendedLifetime((tracker, request)) {}
        }
        switch String(decoding: request.head.target.path, as: UTF8.self) {
        case "/hold":
            holding.async { [gate] in
                gate.wait()
                responder.send(Response(status: 200, body: [Array("held".utf8)]))
            }
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

    func response(to fault: TransportFault) -> Response {
        let status =
            switch fault {
            case .malformed(.bodyTooLarge): 413
            case .malformed: 400
            case .slowHead, .slowBody: 408
            case .tooManyConnections, .bodyBudgetUsedUp: 503
            case .unanswered: 500
            }
        return Response(status: status, body: [Array("\(fault)".utf8)])
    }
}
