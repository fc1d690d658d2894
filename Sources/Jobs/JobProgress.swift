/// How far a running job is.
public struct JobProgress: Sendable, Equatable {
    /// What is being done, in the executor's words.
    public var stage: String
    /// Steps of the stage that are done.
    public var step: Int
    /// Steps of the stage in all.
    public var total: Int
    /// The part of the whole job that is done, 0 to 1.
    public var fraction: Double
    /// A picture of what there is so far, encoded; for those who listen just now.
    public var preview: [UInt8]?

    /// Creates a report.
    public init(stage: String, step: Int, total: Int, fraction: Double, preview: [UInt8]? = nil) {
        self.stage = stage
        self.step = step
        self.total = total
        self.fraction = fraction
        self.preview = preview
    }
}
