import HTTPProtocol
import HTTPTransport

/// Says what it understood.
final class MirrorHandler: RequestHandler {
    func immediateResponse(to head: RequestHead) -> Response? { head.hasBody ? nil : response(to: head, body: []) }

    func respond(to request: Request, through responder: Responder) {
        responder.send(response(to: request.head, body: request.body))
    }

    private func response(to head: RequestHead, body: [UInt8]) -> Response {
        var text = Array("\(head.method) ".utf8) + head.target.path
        if let query = head.target.query { text += Array("?".utf8) + query }
        if !body.isEmpty { text += Array(" ".utf8) + body }
        return Response(status: 200, body: [text])
    }

    func response(to fault: TransportFault, head: RequestHead?) -> Response {
        guard case .malformed(let error) = fault else { return Response(status: 503) }
        return Response(status: 400, body: [Array("\(error)".utf8)])
    }
}
