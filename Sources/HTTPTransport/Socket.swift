import Glibc

/// A non-blocking stream socket, closed when it is let go.
final class Socket {
    let descriptor: Int32

    init(descriptor: Int32) {
        self.descriptor = descriptor
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
        /// The peer sends no more (reading only).
        case end
        /// The connection is broken.
        case failed
    }

    /// Reads into `buffer` from its start.
    func read(into buffer: inout [UInt8]) -> Outcome {
        while true {
            let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count > 0 { return .bytes(count) }
            if count == 0 { return .end }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .failed
        }
    }

    /// Writes from `offset` on; `moreFollows` lets the kernel fill its segments. No SIGPIPE if the peer has gone.
    func write(_ bytes: [UInt8], from offset: Int, moreFollows: Bool) -> Outcome {
        let flags = Int32(MSG_NOSIGNAL | (moreFollows ? MSG_MORE : 0))
        while true {
            let count = bytes.withUnsafeBytes { all in
                let rest = UnsafeRawBufferPointer(rebasing: all[offset...])
                return send(descriptor, rest.baseAddress, rest.count, flags)
            }
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
        _ = Glibc.shutdown(descriptor, Int32(SHUT_WR))
    }
}
