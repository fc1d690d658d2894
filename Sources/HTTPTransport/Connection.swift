import Dispatch
import HTTPProtocol

/// One client: reads requests, has them answered one after the other, and closes without losing the last answer.
///
/// Used on the event loop's thread alone. While a request is being answered nothing more is read, so a client that
/// sends faster than it is served is held back by its own kernel.
final class Connection {
    enum Phase {
        /// Waits for a request, or reads one.
        case receiving
        /// A handler is at work.
        case answering
        /// The last answer is being sent.
        case closing
        /// Everything is sent; reads on for a while, since closing with unread bytes would reset the connection, and
        /// the client would lose the answer.
        case draining
        case closed
    }

    /// The request that is being read or answered.
    private struct Current {
        let head: RequestHead
        let id: String
        var body: [UInt8] = []
        var bodyBytes = 0
        /// Decided from the head alone; sent once the request has ended.
        var immediate: Response?
        let cancellation = RequestCancellation()
    }

    let id: ConnectionID
    private let socket: Socket
    private let context: LoopContext
    private var parser: RequestParser
    private var output = OutputQueue()
    private var current: Current?
    private var timers: ConnectionTimers
    private(set) var phase = Phase.receiving
    private var interest: EventSet = [.read, .peerClosed]
    /// Input came while it is not wanted: stop listening for it, or the level-triggered poll spins.
    private var inputIsHeldBack = false
    private var hasSeenEnd = false
    /// A full batch of output stopped `advance`; it goes on once that is sent.
    private var advanceIsHeldBack = false

    /// Pipelined answers are gathered up to this size before they are sent and more requests are read.
    private static let outputBatchBytes = 64 * 1024

    init(id: ConnectionID, socket: Socket, context: LoopContext) {
        self.id = id
        self.socket = socket
        self.context = context
        parser = RequestParser(limits: context.configuration.limits)
        timers = ConnectionTimers(now: context.clock.now)
    }

    /// When something must have happened, in nanoseconds of the loop's clock.
    var deadline: UInt64 { due().time }

    // MARK: Events

    func handle(_ events: EventSet) {
        if !events.isDisjoint(with: .dead) { return close() }
        if events.contains(.peerClosed) { hasSeenEnd = true }
        if events.contains(.write) { sendAndGoOn() }
        if phase == .answering, hasSeenEnd { return close() }
        if events.contains(.read) { read() }
        updateInterest()
    }

    private func read() {
        guard phase == .receiving || phase == .draining else {
            inputIsHeldBack = true
            return
        }
        switch socket.read(into: &context.readBuffer) {
        case .bytes(let count):
            timers.didRead(count, at: context.clock.now)
            guard phase == .receiving else { return }
            if parser.isIdle { timers.requestBegins(at: context.clock.now) }
            parser.receive(context.readBuffer[..<count])
            advance()
        case .wouldBlock: break
        case .failed: close()
        case .end:
            hasSeenEnd = true
            // Answers that are under way go out; nothing else is owed to a client that is gone.
            if output.isEmpty { close() } else { phase = .closing }
        }
    }

    /// The answer of the handler; nil if it gave none.
    func deliver(_ response: Response?) {
        guard phase == .answering else { return }
        answer(response ?? context.handler.response(to: .unanswered))
        advance()
        updateInterest()
    }

    /// Answers with `fault` at once, for connections above the limit.
    func refuse(_ fault: TransportFault) {
        fail(fault)
        sendAndGoOn()
        updateInterest()
    }

    /// The server stops: goes unless a request is under way.
    func stop() {
        if phase == .receiving, current == nil, parser.isIdle, output.isEmpty { close() }
    }

    /// Ends at once; a handler at work is told.
    func close() {
        guard phase != .closed else { return }
        if let current {
            if phase == .answering { log(current, status: nil, bytes: 0) }
            finishCurrent()
            current.cancellation.cancel()
        }
        phase = .closed
        context.poll.remove(id)
        context.closed.append(id)
    }

    // MARK: Requests

    /// Takes what was received as far as possible, then sends.
    private func advance() {
        advanceIsHeldBack = false
        while phase == .receiving, output.byteCount < Self.outputBatchBytes {
            do {
                switch try parser.next() {
                case .needsMore:
                    parser.releaseIdleMemory()
                    return sendAndGoOn()
                case .head(let head): begin(head)
                case .body(let slice): append(slice)
                case .end: end()
                }
            } catch {
                fail(.malformed(error))
            }
        }
        advanceIsHeldBack = phase == .receiving
        sendAndGoOn()
    }

    private func begin(_ head: RequestHead) {
        timers.bodyBegins(at: context.clock.now)
        let immediate = context.handler.immediateResponse(to: head)
        current = Current(head: head, id: context.requestID(for: head), immediate: immediate)
        if !head.hasBody { return }
        if let immediate {
            // Nobody reads the body, so nobody knows where a next request begins.
            answer(immediate, closes: true)
        } else if head.expectsContinue, parser.bufferedByteCount == 0 {
            send([Response.interimContinue])
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
        // A handler for a client that has already gone would work for nobody.
        if hasSeenEnd, output.isEmpty { return close() }
        phase = .answering
        current?.body = []
        let responder = Responder { [mailbox = context.mailbox, id] in mailbox.post(.answer(id, $0)) }
        let whole = Request(head: request.head, body: request.body, id: request.id, cancellation: request.cancellation)
        context.handlerQueue.async { [handler = context.handler] in handler.respond(to: whole, through: responder) }
    }

    // MARK: Answers

    private func fail(_ fault: TransportFault) {
        answer(context.handler.response(to: fault), closes: true)
    }

    private func answer(_ given: Response, closes: Bool = false) {
        var response = given
        let requestID = current?.id ?? context.requestID(for: nil)
        response.fields.append(("X-Request-Id", requestID))
        let keepsAlive = !closes && !context.isStopping && current?.head.keepsAlive == true
        send(
            response.encoded(
                method: current?.head.method, version: current?.head.version ?? .http11, keepsAlive: keepsAlive,
                date: context.date()))
        if let current {
            log(current, status: response.status, bytes: response.bodyByteCount)
        } else {
            Exchange(
                method: nil, path: nil, status: response.status, responseBytes: response.bodyByteCount,
                seconds: timers.requestSeconds(at: context.clock.now), id: requestID
            ).log(to: context.logger)
        }
        finishCurrent()
        timers.requestEnded(at: context.clock.now, hasMore: !parser.isIdle)
        inputIsHeldBack = false
        phase = keepsAlive ? .receiving : .closing
    }

    private func finishCurrent() {
        context.heldBodyBytes -= current?.bodyBytes ?? 0
        current = nil
    }

    private func log(_ request: Current, status: Int?, bytes: Int) {
        Exchange(
            method: request.head.method, path: String(decoding: request.head.target.path, as: UTF8.self),
            status: status, responseBytes: bytes, seconds: timers.requestSeconds(at: context.clock.now), id: request.id
        ).log(to: context.logger)
    }

    // MARK: Sending

    private func send(_ pieces: [[UInt8]]) {
        if output.isEmpty { timers.writeBegins(at: context.clock.now) }
        output.append(pieces)
    }

    private func sendAndGoOn() {
        guard phase != .closed else { return }
        var sent = 0
        guard output.flush(to: socket, sent: &sent) else { return close() }
        if sent > 0 { timers.didWrite(sent, at: context.clock.now) }
        guard output.isEmpty else { return }
        if phase == .closing {
            socket.endWriting()
            if hasSeenEnd { return close() }
            phase = .draining
            inputIsHeldBack = false
            timers.drainBegins(at: context.clock.now)
        } else if advanceIsHeldBack {
            advance()
        }
    }

    private func updateInterest() {
        guard phase != .closed else { return }
        var wanted: EventSet = hasSeenEnd ? [] : .peerClosed
        let takesInput =
            switch phase {
            case .receiving: output.byteCount < Self.outputBatchBytes
            case .answering: !inputIsHeldBack
            case .draining: true
            case .closing, .closed: false
            }
        if takesInput { wanted.insert(.read) }
        if !output.isEmpty { wanted.insert(.write) }
        guard wanted != interest else { return }
        interest = wanted
        context.poll.modify(id, wanted)
    }

    // MARK: Time

    private enum Expiry {
        case idle
        case head
        case body
        case write
        case drain
    }

    /// The earliest thing that must happen, and what it means if it does not.
    private func due() -> (time: UInt64, expiry: Expiry) {
        let configuration = context.configuration
        var earliest: (time: UInt64, expiry: Expiry) = (.max, .idle)
        func consider(_ time: UInt64, _ expiry: Expiry) {
            if time < earliest.time { earliest = (time, expiry) }
        }
        if !output.isEmpty { consider(timers.writeDue(configuration), .write) }
        switch phase {
        case .receiving where output.byteCount < Self.outputBatchBytes:
            if current != nil {
                consider(timers.bodyDue(configuration), .body)
            } else if parser.isIdle {
                consider(timers.idleDue(configuration), .idle)
            } else {
                consider(timers.headDue(configuration), .head)
            }
        case .draining: consider(timers.drainDue(configuration), .drain)
        case .receiving, .answering, .closing, .closed: break
        }
        return earliest
    }

    /// Acts if the deadline has passed.
    func checkDeadline() {
        let (time, expiry) = due()
        guard time <= context.clock.now else { return }
        switch expiry {
        case .idle, .drain: close()
        case .write:
            socket.dropUnsentOnClose()
            close()
        case .head: fail(.slowHead)
        case .body: fail(.slowBody)
        }
        if phase == .closing { sendAndGoOn() }
        updateInterest()
    }
}
