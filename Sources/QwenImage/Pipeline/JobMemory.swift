import Weights

/// Where a job's weights lived, and what it held and moved.
public struct JobMemory: Sendable, Equatable {
    /// The plan that was carried out, as options spell it.
    public var plan = ""
    /// By stage, in order.
    public var stages: [StageUse] = []
    /// By denoising step; the steps of several images follow each other.
    public var steps: [OffloadTraffic] = []

    /// Nothing known.
    public init() {}
}
