/// When things began and last went on at one connection, and from that, when its patience ends.
///
/// All times are nanoseconds of the loop's clock.
struct ConnectionTimers {
    private var start: UInt64
    private var idleSince: UInt64
    private var hasAnswered = false
    private var requestStart: UInt64
    private var bodyStart: UInt64 = 0
    private var bodyBytes = 0
    private var lastRead: UInt64 = 0
    private var writeStart: UInt64 = 0
    private var writtenBytes = 0
    private var lastWrite: UInt64 = 0
    private var drainStart: UInt64 = 0

    init(now: UInt64) {
        start = now
        idleSince = now
        requestStart = now
    }

    /// The time for a first request begins once it can be sent.
    mutating func handshakeEnded(at now: UInt64) { idleSince = now }

    mutating func requestBegins(at now: UInt64) { requestStart = now }

    mutating func bodyBegins(at now: UInt64) {
        bodyStart = now
        bodyBytes = 0
    }

    mutating func didRead(_ count: Int, at now: UInt64) {
        lastRead = now
        bodyBytes += count
    }

    /// An answer is on its way; `hasMore` if bytes of a next request are there already.
    mutating func requestEnded(at now: UInt64, hasMore: Bool) {
        hasAnswered = true
        idleSince = now
        if hasMore { requestStart = now }
    }

    mutating func writeBegins(at now: UInt64) {
        writeStart = now
        lastWrite = now
        writtenBytes = 0
    }

    mutating func didWrite(_ count: Int, at now: UInt64) {
        lastWrite = now
        writtenBytes += count
    }

    mutating func drainBegins(at now: UInt64) {
        drainStart = now
        lastRead = now
    }

    func requestSeconds(at now: UInt64) -> Double { Double(now - min(now, requestStart)) / 1e9 }

    func handshakeDue(_ configuration: TransportConfiguration) -> UInt64 {
        start + Clock.nanoseconds(configuration.tlsHandshakeSeconds)
    }

    /// A connection that has never sent anything waits no longer than a head may take.
    func idleDue(_ configuration: TransportConfiguration) -> UInt64 {
        idleSince + Clock.nanoseconds(hasAnswered ? configuration.keepAliveSeconds : configuration.headTimeoutSeconds)
    }

    func headDue(_ configuration: TransportConfiguration) -> UInt64 {
        requestStart + Clock.nanoseconds(configuration.headTimeoutSeconds)
    }

    func bodyDue(_ configuration: TransportConfiguration) -> UInt64 {
        let patience = Clock.nanoseconds(configuration.bodyTimeoutSeconds)
        return min(max(lastRead, bodyStart), bodyStart + Self.allowance(bodyBytes, configuration)) + patience
    }

    func writeDue(_ configuration: TransportConfiguration) -> UInt64 {
        let patience = Clock.nanoseconds(configuration.writeTimeoutSeconds)
        return min(lastWrite, writeStart + Self.allowance(writtenBytes, configuration)) + patience
    }

    func drainDue(_ configuration: TransportConfiguration) -> UInt64 {
        min(
            lastRead + Clock.nanoseconds(configuration.lingerIdleSeconds),
            drainStart + Clock.nanoseconds(configuration.lingerSeconds))
    }

    /// The time that `bytes` may take at the least rate.
    private static func allowance(_ bytes: Int, _ configuration: TransportConfiguration) -> UInt64 {
        Clock.nanoseconds(Double(bytes) / Double(max(1, configuration.leastBytesPerSecond)))
    }
}
