import Glibc

/// A non-blocking stream socket, with or without TLS, closed when it is let go.
final class Socket {
    let descriptor: Int32
    private var tls: TLSSession?
    /// TLS cannot go on with reading before it can write.
    private(set) var readWantsWrite = false
    /// TLS cannot go on with writing before it can read.
    private(set) var writeWantsRead = false

    /// Takes over the descriptor. `isTCP` is false for Unix sockets.
    init(descriptor: Int32, isTCP: Bool, tls: TLSSession?) {
        self.descriptor = descriptor
        self.tls = tls
        guard isTCP else { return }
        // Answers are written whole; waiting to fill a segment would only delay them.
        var on: Int32 = 1
        _ = setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit {
        _ = Glibc.close(descriptor)
    }

    enum Outcome {
        /// So many bytes, at least one.
        case bytes(Int)
        /// Nothing can be done now.
        case wouldBlock
        /// Nothing can be done until the socket can be written (of a read) or read (of a write).
        case wouldBlockTheOther
        /// The peer sends no more (reading only).
        case end
        /// The connection is broken.
        case failed
    }

    var isTLS: Bool { tls != nil }

    /// False while the TLS handshake goes on.
    var isEstablished: Bool { tls?.isEstablished ?? true }

    /// Goes on without TLS, whose handshake has not begun.
    func dropTLS() {
        tls = nil
        readWantsWrite = false
        writeWantsRead = false
    }

    /// The next byte as it came, which stays there; nil if there is none now.
    var nextByte: UInt8? {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, Int32(MSG_PEEK)) == 1 ? byte : nil
    }

    /// Reads into `buffer` from its start.
    func read(into buffer: inout [UInt8]) -> Outcome {
        let outcome = buffer.withUnsafeMutableBytes { tls?.read(into: $0) ?? receive(into: $0) }
        if tls != nil {
            readWantsWrite = false
            if case .wouldBlockTheOther = outcome { readWantsWrite = true }
        }
        return outcome
    }

    private func receive(into buffer: UnsafeMutableRawBufferPointer) -> Outcome {
        while true {
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .end }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .failed
        }
    }

    /// Writes from `offset` on; `moreFollows` lets the kernel fill its segments. No SIGPIPE if the peer has gone.
    func write(_ bytes: [UInt8], from offset: Int, moreFollows: Bool) -> Outcome {
        let outcome = bytes.withUnsafeBytes { all in
            let rest = UnsafeRawBufferPointer(rebasing: all[offset...])
            return tls?.write(rest) ?? send(rest, moreFollows: moreFollows)
        }
        if tls != nil {
            writeWantsRead = false
            if case .wouldBlockTheOther = outcome { writeWantsRead = true }
        }
        return outcome
    }

    private func send(_ bytes: UnsafeRawBufferPointer, moreFollows: Bool) -> Outcome {
        let flags = Int32(MSG_NOSIGNAL | (moreFollows ? MSG_MORE : 0))
        while true {
            let count = Glibc.send(descriptor, bytes.baseAddress, bytes.count, flags)
            if count >= 0 { return .bytes(count) }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .failed
        }
    }

    /// Makes the coming close drop what the peer has not read yet, so
    /// that the kernel does not hold it for a peer that does not read.
    func dropUnsentOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        _ = setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// Ends the sending half: the peer reads to the end of what was sent.
    func endWriting() {
        tls?.endWriting()
        _ = Glibc.shutdown(descriptor, Int32(SHUT_WR))
    }
}
