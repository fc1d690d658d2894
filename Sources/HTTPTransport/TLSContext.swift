import COpenSSL

/// Certificate, key and rules of TLS; sessions keep what they need of it.
// @unchecked because OpenSSL counts references to a context atomically, and nothing changes it once it is made.
final class TLSContext: @unchecked Sendable {
    private let pointer: OpaquePointer

    private static let reasonBytes = 256

    /// Reads the files. Throws `certificate` if they cannot be used.
    init(_ configuration: TLSConfiguration) throws(TransportError) {
        var reason = [CChar](repeating: 0, count: Self.reasonBytes)
        guard
            let made = mica_tls_context_make(
                configuration.certificateFile, configuration.keyFile, &reason, reason.count)
        else {
            throw .certificate(
                file: configuration.certificateFile,
                reason: String(
                    decoding: reason.prefix { $0 != 0 }.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self))
        }
        pointer = made
    }

    deinit {
        mica_tls_context_free(pointer)
    }

    /// The server's side of a new connection; nil for want of memory.
    func session(descriptor: Int32) -> TLSSession? {
        mica_tls_session_make(pointer, descriptor).map(TLSSession.init)
    }
}

/// TLS on one socket; used on the event loop's thread alone.
final class TLSSession {
    private let pointer: OpaquePointer

    fileprivate init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        mica_tls_session_free(pointer)
    }

    /// True once the handshake is over.
    var isEstablished: Bool { mica_tls_is_established(pointer) != 0 }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Socket.Outcome {
        guard let base = buffer.baseAddress else { return .wouldBlock }
        return Self.outcome(mica_tls_read(pointer, base, buffer.count), blocks: MICA_TLS_WANTS_READ)
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> Socket.Outcome {
        guard let base = bytes.baseAddress else { return .wouldBlock }
        return Self.outcome(mica_tls_write(pointer, base, bytes.count), blocks: MICA_TLS_WANTS_WRITE)
    }

    /// `blocks` is what the operation waits for by itself; a handshake or a change of keys may want the other.
    private static func outcome(_ result: Int, blocks: mica_tls_outcome) -> Socket.Outcome {
        switch result {
        case 1...: .bytes(result)
        case Int(MICA_TLS_END.rawValue): .end
        case Int(blocks.rawValue): .wouldBlock
        case Int(MICA_TLS_WANTS_READ.rawValue), Int(MICA_TLS_WANTS_WRITE.rawValue): .wouldBlockTheOther
        default: .failed
        }
    }

    /// Tells the peer that nothing more comes.
    func endWriting() { mica_tls_end_writing(pointer) }
}
