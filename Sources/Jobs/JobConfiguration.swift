/// The limits of the jobs.
public struct JobConfiguration: Sendable {
    /// Jobs that wait, of all clients together.
    public var waitingLimit = 64
    /// What a client may take that brings no limits of its own.
    public var clientLimits = JobClientLimits()
    /// Bytes of waiting requests that are held in memory, which are those of jobs that are not durable.
    public var waitingByteLimit = 512 << 20
    /// Seconds for which the result of a job that is not durable can be fetched.
    public var transientResultSeconds = 120.0
    /// Bytes of such results together; the oldest go first.
    public var transientResultByteLimit = 512 << 20
    /// Those who listen to one job.
    public var subscriberLimit = 32
    /// Progress reports that wait for a slow listener; the oldest go first.
    public var progressBufferLimit = 8
    /// Seconds between two looks for results that are to expire.
    public var sweepSeconds = 30.0
    /// Seconds that jobs have to stop in once the grace of `drain` is over.
    public var stopSeconds = 10.0

    /// Creates the usual configuration.
    public init() {}
}
