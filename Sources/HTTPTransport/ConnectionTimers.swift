/// When things began and last went on at one connection, and from that, when its patience ends.
///
/// All times are nanoseconds of the loop's clock.
struct ConnectionTimers {
    private var start: UInt64
    private var idleSince: UInt64
    private var hasAnswered = false
    private var requestStart: UInt64
    private var body: Pace
    private var writing: Pace
    private var lastRead: UInt64 = 0
    private var drainStart: UInt64 = 0

    init(now: UInt64, _ configuration: TransportConfiguration) {
        start = now
        idleSince = now
        requestStart = now
        body = Pace(
            patienceSeconds: configuration.bodyTimeoutSeconds, bytesPerSecond: configuration.leastBytesPerSecond)
        writing = Pace(
            patienceSeconds: configuration.writeTimeoutSeconds, bytesPerSecond: configuration.leastBytesPerSecond)
    }

    /// The time for a first request begins once it can be sent.
    mutating func handshakeEnded(at now: UInt64) { idleSince = now }

    mutating func requestBegins(at now: UInt64) { requestStart = now }

    mutating func bodyBegins(at now: UInt64) { body.begin(at: now) }

    mutating func didRead(_ count: Int, at now: UInt64) {
        lastRead = now
        body.moved(count, at: now)
    }

    /// An answer is on its way; `hasMore` if bytes of a next request are there already.
    mutating func requestEnded(at now: UInt64, hasMore: Bool) {
        hasAnswered = true
        idleSince = now
        if hasMore { requestStart = now }
    }

    mutating func writeBegins(at now: UInt64) { writing.begin(at: now) }

    mutating func didWrite(_ count: Int, at now: UInt64) { writing.moved(count, at: now) }

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

    var bodyDue: UInt64 { body.due }

    var writeDue: UInt64 { writing.due }

    func drainDue(_ configuration: TransportConfiguration) -> UInt64 {
        min(
            lastRead + Clock.nanoseconds(configuration.lingerIdleSeconds),
            drainStart + Clock.nanoseconds(configuration.lingerSeconds))
    }
}
