/// A worker to be: a name for metrics and logs, such as its device's, and what does its work.
public struct JobWorkerDescription: Sendable {
    /// For metrics and logs, such as the device's.
    public let name: String
    /// What does the work.
    public let executor: any JobExecutor

    /// Creates a description.
    public init(name: String, executor: any JobExecutor) {
        self.name = name
        self.executor = executor
    }
}
