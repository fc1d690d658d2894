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
        /// The body of an answer comes over time.
        case streaming
        /// The last answer is being sent.
        case closing
        /// Everything is sent; reads on for a while, since closing with unread bytes would reset the connection, and
        /// the client would lose the answer.
        case draining
        case closed
    }

    /// The request that is being read or answered.
    struct Current {
        let head: RequestHead
        let id: RequestID
        var body: [UInt8] = []
        var bodyBytes = 0
        /// Decided from the head alone; sent once the request has ended.
        var immediate: Response?
        /// Made when a handler gets the request.
        var cancellation: RequestCancellation?
    }

    /// An answer whose body comes over time.
    struct Streaming {
        let buffer: StreamBuffer
        let status: Int
        /// `length` for a body that is read while it is sent.
        let framing: ResponseFraming
        /// What the head says, if it says it.
        let declaredBytes: Int
        let keepsAlive: Bool
        var bytes = 0
    }

    let id: ConnectionID
    /// Whose limit this connection counts towards; nil if there is none.
    let peer: PeerAddress?
    let socket: Socket
    let context: LoopContext
    var parser: RequestParser
    var output = OutputQueue()
    var current: Current?
    var streaming: Streaming?
    var timers: ConnectionTimers
    var phase = Phase.receiving
    private var interest: EventSet = [.read, .peerClosed]
    /// Input came while it is not wanted: stop listening for it, or the level-triggered poll spins.
    var inputIsHeldBack = false
    /// The client sends no more than what was received or waits in the kernel.
    private(set) var hasSeenEnd = false
    /// Everything that the client sent was read.
    private var hasReadAll = false
    /// Of answers in memory that this connection has yet to take.
    var rooms: [AnswerRoom] = []
    /// A full batch of output stopped the work on requests or on a stream; it goes on once that is sent.
    var isHeldBack = false
    private(set) var isEstablished: Bool
    /// Nothing has come yet where TLS is spoken: it may be plain HTTP.
    private var mayBePlain: Bool

    /// Answers are gathered up to this size before they are sent and more is taken on.
    static let outputBatchBytes = 64 * 1024

    init(id: ConnectionID, peer: PeerAddress?, socket: Socket, context: LoopContext) {
        self.id = id
        self.peer = peer
        self.socket = socket
        self.context = context
        parser = RequestParser(limits: context.configuration.limits)
        timers = ConnectionTimers(now: context.clock.now, context.configuration)
        isEstablished = socket.isEstablished
        mayBePlain = socket.isTLS
    }

    // MARK: Events

    func handle(_ events: EventSet) {
        if events.contains(.hungUp), !events.contains(.failed), phase == .draining {
            // That is said of a socket whose halves have both ended, too, whatever it still holds of the client's.
            return read()
        }
        if !events.isDisjoint(with: [.hungUp, .failed]) { return close() }
        if events.contains(.peerClosed), !hasSeenEnd {
            hasSeenEnd = true
            if tellsOfTheEnd() { return close() }
        }
        if events.contains(.write) || socket.writeWantsRead { proceed() }
        if events.contains(.read) || socket.readWantsWrite { read() }
        updateInterest()
    }

    private func read() {
        guard phase == .receiving || phase == .draining else {
            inputIsHeldBack = phase != .closed
            return
        }
        if mayBePlain, refusesPlainHTTP() { return }
        switch socket.read(into: &context.readBuffer) {
        case .bytes(let count):
            isEstablished = true
            timers.didRead(count, at: context.clock.now)
            guard phase == .receiving else { return }
            if parser.isIdle { timers.requestBegins(at: context.clock.now) }
            parser.receive(context.readBuffer[..<count])
            proceed()
        case .wouldBlock, .wouldBlockTheOther:
            if !isEstablished, socket.isEstablished {
                isEstablished = true
                timers.handshakeEnded(at: context.clock.now)
            }
        case .failed: close()
        case .end:
            hasSeenEnd = true
            hasReadAll = true
            if phase == .receiving { proceed() } else { close() }
        }
    }

    /// Answers a client that does not know of TLS in the words that it speaks; false if it is none, or silent.
    private func refusesPlainHTTP() -> Bool {
        guard let byte = socket.nextByte else { return false }
        mayBePlain = false
        // A method begins with a letter, a record of a handshake with 22.
        guard (0x41...0x5A).contains(byte) else { return false }
        socket.dropTLS()
        isEstablished = true
        fail(.plainHTTP)
        proceed()
        return true
    }

    /// Tells whoever makes the answer that the client sends no more. True if it counts as gone: what it waits for comes
    /// over time, or the handler wants to know of its going. Who only ended its half gets every other answer.
    private func tellsOfTheEnd() -> Bool {
        switch phase {
        case .answering: current?.cancellation?.clientEnded() == true
        case .streaming: streaming?.framing != .length
        case .receiving, .closing, .draining, .closed: false
        }
    }

    /// The handler wanted to know of the client's going only after its end was seen.
    func closeIfGivenUp() {
        if current?.cancellation?.isCancelled == true { close() }
    }

    /// Does what can be done now: takes requests, takes what a stream has, sends.
    func proceed() {
        repeat {
            isHeldBack = false
            if phase == .receiving { advance() }
            if phase == .streaming { pump() }
            flush()
        } while isHeldBack && output.isEmpty && (phase == .receiving || phase == .streaming)
        // Nothing more can come: what was answered goes out.
        if hasReadAll, phase == .receiving, !isHeldBack {
            phase = .closing
            flush()
        }
    }

    private func flush() {
        guard phase != .closed else { return }
        if !output.isEmpty {
            var sent = 0
            guard output.flush(to: socket, sent: &sent) else { return close() }
            if sent > 0 { timers.didWrite(sent, at: context.clock.now) }
        }
        if streaming == nil, output.byteCount < Self.outputBatchBytes { releaseAnswer() }
        if output.isEmpty, context.isStopping, isBetweenRequests { phase = .closing }
        guard output.isEmpty, phase == .closing else { return }
        socket.endWriting()
        // That the client's end was seen says nothing of what lies before it.
        if hasReadAll { return close() }
        phase = .draining
        inputIsHeldBack = false
        timers.drainBegins(at: context.clock.now)
    }

    /// Tells the poll what this connection waits for, if that has changed.
    func updateInterest() {
        guard phase != .closed else { return }
        var wanted: EventSet = hasSeenEnd ? [] : .peerClosed
        let takesInput =
            switch phase {
            case .receiving: output.byteCount < Self.outputBatchBytes && !hasReadAll
            case .answering, .streaming: !inputIsHeldBack
            case .draining: true
            case .closing, .closed: false
            }
        if takesInput || socket.writeWantsRead { wanted.insert(.read) }
        if (!output.isEmpty && !socket.writeWantsRead) || socket.readWantsWrite { wanted.insert(.write) }
        guard wanted != interest else { return }
        interest = wanted
        context.poll.modify(id, wanted)
    }

    // MARK: Ends

    /// Answers with `fault` at once, for connections above a limit.
    func refuse(_ fault: TransportFault) {
        fail(fault)
        proceed()
        updateInterest()
    }

    /// The server stops: goes unless a request is under way. If an answer is still being sent, `flush` ends it later.
    func stop() {
        if isBetweenRequests, output.isEmpty { close() }
    }

    private var isBetweenRequests: Bool { phase == .receiving && current == nil && parser.isIdle }

    /// Ends at once; a handler at work is told.
    func close() {
        guard phase != .closed else { return }
        let ended = current
        if let ended, phase == .answering || phase == .streaming {
            log(ended, status: nil, bytes: streaming?.bytes ?? 0)
        }
        phase = .closed
        finishCurrent()
        releaseAnswer()
        streaming?.buffer.close()
        streaming = nil
        ended?.cancellation?.cancel()
        context.poll.remove(id)
        context.closed.append(id)
    }
}
