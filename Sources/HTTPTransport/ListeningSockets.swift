import Glibc
import Synchronization

/// The sockets that a server listens on: one for each address of its host, or one Unix socket.
final class ListeningSockets: Sendable {
    let descriptors: [Int32]
    /// The port, also if 0 was asked for; 0 for a Unix socket.
    let port: Int
    /// The file of a Unix socket, which is removed with it.
    private let path: String?
    private let isClosed = Atomic<Bool>(false)

    /// Addresses of one host that are listened to at most.
    private static let largestCount = 8
    private static let backlog: Int32 = 1024

    var isUnix: Bool { path != nil }

    /// Binds and listens where `configuration` says.
    convenience init(_ configuration: TransportConfiguration) throws(TransportError) {
        if let path = configuration.unixSocketPath {
            try self.init(path: path)
        } else {
            try self.init(host: configuration.host, port: configuration.port, reusesPort: configuration.reusesPort)
        }
    }

    private init(path: String) throws(TransportError) {
        descriptors = [try UnixSocket.listen(at: path, backlog: Self.backlog)]
        port = 0
        self.path = path
    }

    /// Throws if no address of the host can be had, or if one of them is taken.
    private init(host: String, port: Int, reusesPort: Bool) throws(TransportError) {
        guard (0...65535).contains(port) else { throw .invalidPort(port) }
        var bound: [Int32] = []
        var chosenPort = port
        var failure: Int32 = 0
        for address in try Self.resolve(host) where bound.count < Self.largestCount {
            let (descriptor, error) = Self.listen(on: address, port: chosenPort, reusesPort: reusesPort)
            guard let descriptor else {
                failure = error
                // An address that this machine does not have (::1 of localhost) is no reason to stop; a taken port is.
                if error == EADDRNOTAVAIL || error == EAFNOSUPPORT { continue }
                break
            }
            failure = 0
            bound.append(descriptor)
            if chosenPort == 0 { chosenPort = Self.localPort(descriptor) }
        }
        if bound.isEmpty || (failure != 0 && failure != EADDRNOTAVAIL && failure != EAFNOSUPPORT) {
            for descriptor in bound { _ = Glibc.close(descriptor) }
            switch failure {
            case EADDRINUSE: throw .addressInUse(host: host, port: port)
            case EACCES: throw .notPermitted(host: host, port: port)
            default:
                throw .system(
                    operation: "listening on \(host) port \(port)", reason: String(cString: strerror(failure)))
            }
        }
        descriptors = bound
        self.port = chosenPort
        path = nil
    }

    deinit {
        close()
    }

    /// Stops listening; further clients are refused by the system.
    func close() {
        guard !isClosed.exchange(true, ordering: .relaxed) else { return }
        if let path { _ = unlink(path) }
        for descriptor in descriptors { _ = Glibc.close(descriptor) }
    }

    /// An address as the system has it, its port not yet set.
    private struct Address {
        var storage: sockaddr_storage
        var length: socklen_t

        var family: Int32 { Int32(storage.ss_family) }
    }

    private static func resolve(_ host: String) throws(TransportError) -> [Address] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        guard status == 0 else { throw .unknownHost(host, reason: String(cString: gai_strerror(status))) }
        defer { freeaddrinfo(list) }
        var addresses: [Address] = []
        var next = list
        while let entry = next {
            if let source = entry.pointee.ai_addr {
                var storage = sockaddr_storage()
                let length = min(Int(entry.pointee.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
                withUnsafeMutableBytes(of: &storage) {
                    $0.copyMemory(from: UnsafeRawBufferPointer(start: source, count: length))
                }
                addresses.append(Address(storage: storage, length: socklen_t(length)))
            }
            next = entry.pointee.ai_next
        }
        return addresses
    }

    /// A listening descriptor, or the system's error.
    private static func listen(
        on address: Address, port: Int, reusesPort: Bool
    ) -> (descriptor: Int32?, error: Int32) {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.family, kind, 0)
        guard descriptor >= 0 else { return (nil, errno) }
        let size = socklen_t(MemoryLayout<Int32>.size)
        var on: Int32 = 1
        _ = setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
        if reusesPort { _ = setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, size) }
        if address.family == AF_INET6 {
            // Each address has a socket of its own; "::" alone also takes IPv4.
            var onlyV6: Int32 = isUnspecified(address) ? 0 : 1
            _ = setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &onlyV6, size)
        }
        var storage = address.storage
        let bigEndianPort = in_port_t(port).bigEndian
        let status = withUnsafeMutableBytes(of: &storage) { bytes in
            // sin_port and sin6_port both lie behind the family.
            bytes.storeBytes(of: bigEndianPort, toByteOffset: MemoryLayout<sa_family_t>.size, as: in_port_t.self)
            guard let base = bytes.bindMemory(to: sockaddr.self).baseAddress else { return Int32(-1) }
            return bind(descriptor, base, address.length)
        }
        guard status == 0, Glibc.listen(descriptor, backlog) == 0 else {
            let error = errno
            _ = Glibc.close(descriptor)
            return (nil, error)
        }
        return (descriptor, 0)
    }

    private static func isUnspecified(_ address: Address) -> Bool {
        withUnsafeBytes(of: address.storage) { bytes in
            // sin6_addr: 16 bytes after family, port and flow information.
            bytes[8..<24].allSatisfy { $0 == 0 }
        }
    }

    private static func localPort(_ descriptor: Int32) -> Int {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let port = withUnsafeMutableBytes(of: &storage) { bytes -> in_port_t in
            guard let base = bytes.bindMemory(to: sockaddr.self).baseAddress,
                getsockname(descriptor, base, &length) == 0
            else { return 0 }
            return bytes.load(fromByteOffset: MemoryLayout<sa_family_t>.size, as: in_port_t.self)
        }
        return Int(in_port_t(bigEndian: port))
    }
}
