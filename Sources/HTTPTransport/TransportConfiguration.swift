import HTTPProtocol

/// Where a server listens and what it puts up with.
public struct TransportConfiguration: Sendable {
    /// A name, an IPv4 or an IPv6 address; a name is listened to on all of its addresses.
    public var host = "127.0.0.1"
    /// 0 picks a free port.
    public var port = 8080
    /// The path of a Unix socket, which is listened to instead of a host and port; a socket that a server left there is
    /// replaced. Its owner and group may connect.
    public var unixSocketPath: String?
    /// Certificate and key; plain HTTP without.
    public var tls: TLSConfiguration?
    /// From a connection's begin to the end of the handshake.
    public var tlsHandshakeSeconds = 10.0
    /// `SO_REUSEPORT`: several processes may listen on the port, and the system spreads connections over them.
    public var reusesPort = false
    public var limits = RequestLimits()
    /// From a request's first byte to the end of its head.
    public var headTimeoutSeconds = 10.0
    /// The credit against the least rate that a body has; so also the most between two reads of it.
    public var bodyTimeoutSeconds = 30.0
    /// The same for what is sent; so also the most without any progress in it.
    public var writeTimeoutSeconds = 30.0
    /// Between two requests; above the 60 seconds of common load balancers, so that theirs ends first.
    public var keepAliveSeconds = 75.0
    /// The least rate of a peer that sends a body or takes an answer. What it falls behind this is taken from its
    /// credit of seconds above, what it is ahead is added up to that; who has none left is given up.
    public var leastBytesPerSecond = 500
    /// Before a connection closes: silence that ends the wait for the peer's own close, and the most it may take.
    public var lingerIdleSeconds = 2.0
    public var lingerSeconds = 10.0
    /// Connections at once; those above get 503.
    public var connectionLimit = 1024
    /// Connections at once from one IPv4 address, or from one /64 network of IPv6; those above get 503.
    ///
    /// 0 is no limit, as behind a proxy, where all clients have one address.
    public var connectionLimitPerAddress = 0
    /// Bytes of a streamed body that may wait for a client; beyond them it is given up.
    public var streamBufferBytes = 4 * 1024 * 1024
    /// Bytes of request bodies that all connections together may hold; a request above it gets 503.
    public var bodyBudgetBytes = 512 * 1024 * 1024
    /// Bytes of answers that all connections together may hold in memory until their clients have taken them; one above
    /// it becomes 503, unless it is the only one. Answers that are read while they are sent do not count.
    public var answerBudgetBytes = 512 * 1024 * 1024

    /// The values that each property has by default.
    public init() {}
}
