import HTTPProtocol
import HTTPTransport

/// A request on its way through the service, and the way back for its answer.
struct ServiceExchange: Sendable {
    private let service: LayerService
    let request: Request
    let route: Route?
    private let responder: Responder

    init(_ service: LayerService, _ request: Request, _ responder: Responder, _ route: Route?) {
        self.service = service
        self.request = request
        self.responder = responder
        self.route = route
    }

    /// Sends the answer, or a refusal if there is no room for it.
    func send(_ answer: Response) { offer(answer, orElse: .transport(.answerBudgetUsedUp)) }

    /// Sends what `make` gives, or why it does not.
    func send(_ make: () throws(ServiceError) -> Response) {
        _ = offer(orElse: .transport(.answerBudgetUsedUp), make)
    }

    /// Sends what `make` gives, or why it does not; `full` instead, and the return value is false, if there is no room
    /// in memory to hold it until its client has taken it.
    func offer(orElse full: ServiceError, _ make: () throws(ServiceError) -> Response) -> Bool {
        do throws(ServiceError) {
            return offer(try make(), orElse: full)
        } catch {
            return offer(service.refusal(error, route), orElse: full)
        }
    }

    /// Only what goes out is counted.
    @discardableResult
    private func offer(_ answer: Response, orElse full: ServiceError) -> Bool {
        let answer = service.selected(answer, request.head, route)
        guard let room = responder.room(for: answer) else {
            responder.send(service.finished(service.refusal(full, route), request.head, route))
            return false
        }
        responder.send(service.finished(answer, request.head, route), in: room)
        return true
    }

    /// Begins an answer that goes on.
    func stream(_ head: Response) -> ResponseStream {
        responder.stream(service.finished(head, request.head, route))
    }
}
