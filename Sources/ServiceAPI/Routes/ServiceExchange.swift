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

    /// Sends the answer.
    func send(_ answer: Response) {
        responder.send(service.finished(answer, request.head, route))
    }

    /// Sends what `make` gives, or why it does not.
    func send(_ make: () throws(ServiceError) -> Response) {
        do throws(ServiceError) {
            send(try make())
        } catch {
            send(service.refusal(error, route))
        }
    }

    /// Begins an answer that goes on.
    func stream(_ head: Response) -> ResponseStream {
        responder.stream(service.finished(head, request.head, route))
    }
}
