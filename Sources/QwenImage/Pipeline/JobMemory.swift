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

    /// The most that a device held at once.
    public var peakBytes: Int { stages.map(\.peakBytes).max() ?? 0 }
    /// Weights asked of the checkpoint's files.
    public var readBytes: Int { stages.reduce(0) { $0 + $1.traffic.readBytes } }
    /// Weights copied to a device.
    public var movedBytes: Int { stages.reduce(0) { $0 + $1.traffic.movedBytes } }
    /// Activations passed between devices.
    public var transferredBytes: Int { stages.reduce(0) { $0 + $1.traffic.transferredBytes } }
}
