import Glibc

/// Listening at a path.
enum UnixSocket {
    /// A listening, non-blocking descriptor; owner and group may connect.
    ///
    /// A socket that nobody listens to any more is replaced; anything else at the path stays, and
    /// `unusableSocketPath` is thrown.
    static func listen(at path: String, backlog: Int32) throws(TransportError) -> Int32 {
        guard var address = address(path) else {
            throw .unusableSocketPath(path, reason: "the path must have 1 to \(largestPathBytes) bytes")
        }
        try removeLeftover(path, &address)
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { throw .lastSystemError("socket") }
        // Nobody can connect before `listen`, so the mode is right from the first connection on.
        guard withGeneric(&address, { bind(descriptor, $0, $1) }) == 0, chmod(path, 0o660) == 0,
            Glibc.listen(descriptor, backlog) == 0
        else {
            let reason = String(cString: strerror(errno))
            _ = close(descriptor)
            throw .unusableSocketPath(path, reason: reason)
        }
        return descriptor
    }

    /// `sun_path` holds 108 bytes, the last of them 0.
    private static let largestPathBytes = 107

    private static func address(_ path: String) -> sockaddr_un? {
        let bytes = Array(path.utf8)
        guard (1...largestPathBytes).contains(bytes.count), !bytes.contains(0) else { return nil }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return address
    }

    private static func withGeneric(
        _ address: inout sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private static func removeLeftover(_ path: String, _ address: inout sockaddr_un) throws(TransportError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw .unusableSocketPath(path, reason: "something else than a socket is there")
        }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { throw .lastSystemError("socket") }
        defer { _ = close(probe) }
        guard withGeneric(&address, { connect(probe, $0, $1) }) != 0, errno == ECONNREFUSED else {
            throw .unusableSocketPath(path, reason: "another process listens there")
        }
        _ = unlink(path)
    }
}
