import HTTPProtocol

/// The ends of a connection's patience.
extension Connection {
    private enum Expiry {
        case handshake
        case idle
        case head
        case body
        case write
        case drain
    }

    /// When something must have happened, in nanoseconds of the loop's clock.
    var deadline: UInt64 { due().time }

    /// The earliest thing that must happen, and what it means if it does not.
    private func due() -> (time: UInt64, expiry: Expiry) {
        let configuration = context.configuration
        var earliest: (time: UInt64, expiry: Expiry) = (.max, .idle)
        func consider(_ time: UInt64, _ expiry: Expiry) {
            if time < earliest.time { earliest = (time, expiry) }
        }
        if !isEstablished { consider(timers.handshakeDue(configuration), .handshake) }
        if !output.isEmpty { consider(timers.writeDue, .write) }
        switch phase {
        case .receiving where isEstablished && output.byteCount < Self.outputBatchBytes:
            if current != nil {
                consider(timers.bodyDue, .body)
            } else if parser.isIdle {
                consider(timers.idleDue(configuration), .idle)
            } else {
                consider(timers.headDue(configuration), .head)
            }
        case .draining: consider(timers.drainDue(configuration), .drain)
        case .receiving, .answering, .streaming, .closing, .closed: break
        }
        return earliest
    }

    /// Acts if the deadline has passed.
    func checkDeadline() {
        let (time, expiry) = due()
        guard time <= context.clock.now else { return }
        switch expiry {
        case .idle, .drain: close()
        case .handshake, .write:
            socket.dropUnsentOnClose()
            close()
        case .head: fail(.slowHead)
        case .body: fail(.slowBody)
        }
        if phase == .closing { proceed() }
        updateInterest()
    }
}
