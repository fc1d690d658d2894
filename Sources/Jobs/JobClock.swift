/// Time as the jobs see it, so that tests turn the hands themselves.
public protocol JobClock: Sendable {
    /// The date, for what is stored and shown, and for deadlines.
    var now: JobInstant { get }
    /// Seconds of a clock that never jumps, for measured times.
    var elapsedSeconds: Double { get }
    /// Calls `action` once, `seconds` from now, on a queue or thread where it may block for a short time.
    func schedule(afterSeconds seconds: Double, _ action: @escaping @Sendable () -> Void)
}
