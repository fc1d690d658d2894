import Dispatch
import HTTPProtocol
import HTTPTransport
import Synchronization

/// Streams; the tests drive what it has begun.
final class StreamingHandler: RequestHandler {
    let cancelled = Counter()
    private let begun = Mutex<[ResponseStream]>([])

    /// The streams so far, which are let go here.
    func takeStreams() -> [ResponseStream] {
        begun.withLock { streams in
            defer { streams = [] }
            return streams
        }
    }

    /// The stream of the one request that is under way.
    func nextStream() -> ResponseStream? {
        var found: [ResponseStream] = []
        _ = eventually {
            found = takeStreams()
            return !found.isEmpty
        }
        return found.first
    }

    func immediateResponse(to head: RequestHead) -> Response? { nil }

    func respond(to request: Request, through responder: Responder) {
        request.cancellation.onCancel { [cancelled] in cancelled.add() }
        let status = request.head.target.path == Array("/none".utf8) ? 204 : 200
        let head = Response(
            status: status, fields: [("Content-Type", "text/event-stream")], body: [Array("first\n".utf8)])
        let stream = responder.stream(head)
        if request.head.target.path == Array("/count".utf8) {
            for number in 0..<1000 { stream.write(Array("\(number)\n".utf8)) }
            return stream.finish()
        }
        begun.withLock { $0.append(stream) }
    }

    func response(to fault: TransportFault, head: RequestHead?) -> Response {
        Response(status: 400, body: [Array("\(fault)".utf8)])
    }
}
