/// Why a server could not start.
public enum TransportError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The host's name has no address.
    case unknownHost(String, reason: String)
    /// Another process listens there.
    case addressInUse(host: String, port: Int)
    /// Ports below 1024 need a privilege.
    case notPermitted(host: String, port: Int)
    /// A port outside of 0...65535.
    case invalidPort(Int)
    /// A certificate or its key cannot be used.
    case certificate(file: String, reason: String)
    /// The path of a Unix socket is too long, or something else than a socket is there.
    case unusableSocketPath(String, reason: String)
    /// Any other failure of the operating system.
    case system(operation: String, reason: String)

    public var description: String {
        switch self {
        case .unknownHost(let host, let reason): "cannot listen on '\(host)': \(reason)"
        case .addressInUse(let host, let port):
            "port \(port) on \(host) is taken by another process; choose another one with --port"
        case .notPermitted(let host, let port):
            "not allowed to listen on port \(port) of \(host); choose one above 1023 with --port"
        case .invalidPort(let port): "port is \(port), but must be 0 to 65535"
        case .certificate(let file, let reason): "cannot use the certificate '\(file)': \(reason)"
        case .unusableSocketPath(let path, let reason): "cannot listen on the Unix socket '\(path)': \(reason)"
        case .system(let operation, let reason): "\(operation) failed: \(reason)"
        }
    }
}
