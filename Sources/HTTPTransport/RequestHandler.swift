import HTTPProtocol

/// What a server does with requests.
public protocol RequestHandler: Sendable {
    /// An answer that needs neither the body nor any time, or nil; called on the event loop, so it must not wait.
    ///
    /// It has no source. If the request has a body, the connection closes after this answer: that is how an upload is
    /// refused early.
    func immediateResponse(to head: RequestHead) -> Response?

    /// Answers a whole request through `responder`, now or later; called on a concurrent Dispatch queue.
    func respond(to request: Request, through responder: Responder)

    /// The answer to something that never became a request, or that got no answer; called on the event loop. `head` is
    /// what is known of the request, if that is anything.
    func response(to fault: TransportFault, head: RequestHead?) -> Response
}
