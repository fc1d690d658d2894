/// How much of the service one client may take.
public struct JobClientLimits: Sendable, Equatable {
    /// Jobs that wait at the same time.
    public var waiting: Int
    /// Jobs that run at the same time; further ones wait, and those of others go before them.
    public var running: Int

    /// Creates limits.
    public init(waiting: Int = 16, running: Int = .max) {
        self.waiting = waiting
        self.running = running
    }
}
