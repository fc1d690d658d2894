/// Hears what metrics and logs are made of.
public protocol JobObserver: Sendable {
    /// Called from the thread where it happened, without a lock held: it must not block.
    func observe(_ observation: JobObservation)
}
