import HTTPProtocol

/// Answers, from the handler to bytes.
extension Connection {
    /// The answer of the handler; `room` is held until it is sent.
    func deliver(_ response: Response, in room: AnswerRoom) {
        guard phase == .answering else { return }
        hold(room)
        answer(response)
        proceed()
        updateInterest()
    }

    /// What there is instead of an answer of the handler.
    func deliver(_ fault: TransportFault) {
        guard phase == .answering else { return }
        answer(context.handler.response(to: fault, head: current?.head))
        proceed()
        updateInterest()
    }

    private func hold(_ room: AnswerRoom) {
        if room !== AnswerRoom.unneeded { rooms.append(room) }
    }

    /// What was in memory for this client has been sent, or never will be.
    func releaseAnswer() {
        if !rooms.isEmpty { rooms = [] }
    }

    /// The head of an answer whose body comes over time: a stream, or one with a source.
    func deliver(_ head: Response, stream buffer: StreamBuffer, in room: AnswerRoom) {
        guard phase == .answering, let request = current?.head else { return buffer.close() }
        let isWhole = head.source != nil
        let framing: ResponseFraming = isWhole ? .length : request.version == .http11 ? .chunked : .untilClose
        if request.method == "HEAD" || !head.mayHaveBody {
            buffer.close()
            answer(head, framing: framing)
        } else if hasSeenEnd, !isWhole {
            // As for a client that ends its half during the stream.
            buffer.close()
            return close()
        } else {
            hold(room)
            let keepsAlive = framing != .untilClose && !context.closesAfterAnswers && request.keepsAlive
            appendHead(head, framing: framing, keepsAlive: keepsAlive)
            streaming = Streaming(
                buffer: buffer, status: head.status, framing: framing, declaredBytes: head.bodyByteCount,
                keepsAlive: keepsAlive)
            phase = .streaming
            send(piecesOfStream: head.body)
        }
        proceed()
        updateInterest()
    }

    /// The stream of this connection has more.
    func streamed() {
        guard phase == .streaming else { return }
        proceed()
        updateInterest()
    }

    // MARK: Streams

    /// Takes what the handler has written, as long as the client takes it.
    func pump() {
        guard let buffer = streaming?.buffer else { return }
        guard output.byteCount < Self.outputBatchBytes else {
            isHeldBack = true
            return
        }
        let batch = buffer.take()
        send(piecesOfStream: batch.pieces)
        if batch.isBroken || batch.isLast && isShort {
            // What is missing must not look like a proper end.
            socket.dropUnsentOnClose()
            return close()
        }
        guard batch.isLast else {
            isHeldBack = !output.isEmpty
            return
        }
        endStream()
        // More requests may have come meanwhile.
        isHeldBack = phase == .receiving
    }

    /// True if less was sent than the head says.
    private var isShort: Bool {
        streaming.map { $0.framing == .length && $0.bytes != $0.declaredBytes } ?? false
    }

    private func send(piecesOfStream pieces: [[UInt8]]) {
        var count = 0
        for piece in pieces { count += piece.count }
        guard count > 0, let framing = streaming?.framing else { return }
        let isChunked = framing == .chunked
        streaming?.bytes += count
        if isChunked { send(ChunkedCoding.prefix(byteCount: count)) }
        for piece in pieces { send(piece) }
        if isChunked { send(ChunkedCoding.suffix) }
    }

    private func endStream() {
        guard let ended = streaming else { return }
        streaming = nil
        ended.buffer.close()
        if ended.framing == .chunked { send(ChunkedCoding.end) }
        if let current { log(current, status: ended.status, bytes: ended.bytes) }
        requestEnded(keepsAlive: ended.keepsAlive)
    }

    // MARK: Whole answers

    /// Answers with `fault` and closes.
    func fail(_ fault: TransportFault) {
        answer(context.handler.response(to: fault, head: current?.head), closes: true)
    }

    func answer(_ response: Response, framing: ResponseFraming = .length, closes: Bool = false) {
        let keepsAlive =
            !closes && framing != .untilClose && !context.closesAfterAnswers && current?.head.keepsAlive == true
        let id = appendHead(response, framing: framing, keepsAlive: keepsAlive)
        if framing == .length, response.mayHaveBody, current?.head.method != "HEAD" {
            precondition(response.source == nil, "an answer that is read while it is sent comes from a responder")
            for piece in response.body { send(piece) }
        }
        if let current {
            log(current, status: response.status, bytes: response.bodyByteCount)
        } else {
            Exchange(
                method: nil, path: nil, status: response.status, responseBytes: response.bodyByteCount,
                seconds: timers.requestSeconds(at: context.clock.now), id: id.text
            ).log(to: context.logger)
        }
        requestEnded(keepsAlive: keepsAlive)
    }

    @discardableResult
    private func appendHead(_ response: Response, framing: ResponseFraming, keepsAlive: Bool) -> RequestID {
        let id = current?.id ?? context.newRequestID()
        let version = current?.head.version ?? .http11
        let date = context.date()
        if output.isEmpty { timers.writeBegins(at: context.clock.now) }
        output.append { bytes in
            response.appendHead(to: &bytes, version: version, framing: framing, keepsAlive: keepsAlive, date: date)
            id.appendField(to: &bytes)
        }
        return id
    }

    func send(_ piece: [UInt8]) {
        if output.isEmpty { timers.writeBegins(at: context.clock.now) }
        output.append(piece)
    }

    private func requestEnded(keepsAlive: Bool) {
        current?.cancellation?.settle()
        finishCurrent()
        timers.requestEnded(at: context.clock.now, hasMore: !parser.isIdle)
        inputIsHeldBack = false
        // A stream may have begun before the server was told to stop.
        phase = keepsAlive && !context.closesAfterAnswers ? .receiving : .closing
    }

    /// `status` is nil if the client went before there was one.
    func log(_ request: Current, status: Int?, bytes: Int) {
        guard Exchange.isLogged(status: status, to: context.logger) else { return }
        Exchange(
            method: request.head.method, path: String(decoding: request.head.target.path, as: UTF8.self),
            status: status, responseBytes: bytes, seconds: timers.requestSeconds(at: context.clock.now),
            id: request.id.text
        ).log(to: context.logger)
    }
}
