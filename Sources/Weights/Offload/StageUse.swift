import TensorCore

/// Bytes that went to where they were needed.
public struct OffloadTraffic: Sendable, Hashable {
    /// Weights asked of the checkpoint's files.
    public var readBytes = 0
    /// Weights copied into a device's memory, as they are stored.
    public var movedBytes = 0
    /// Activations passed between devices.
    public var transferredBytes = 0

    /// Nothing yet.
    public init() {}

    /// What came since an earlier count.
    public func since(_ earlier: OffloadTraffic) -> OffloadTraffic {
        var difference = self
        difference.readBytes -= earlier.readBytes
        difference.movedBytes -= earlier.movedBytes
        difference.transferredBytes -= earlier.transferredBytes
        return difference
    }
}

/// What one stage of a job held and moved.
public struct StageUse: Sendable, Hashable {
    /// The most that a device held at once.
    public struct Peak: Sendable, Hashable {
        /// Which, and how much.
        public let device: DeviceName
        public var bytes: Int
        /// With blocks that are kept for reuse.
        public var heldBytes: Int

        /// So many bytes on a device.
        public init(device: DeviceName, bytes: Int, heldBytes: Int? = nil) {
            self.device = device
            self.bytes = bytes
            self.heldBytes = heldBytes ?? bytes
        }
    }

    /// The stage's name.
    public let name: String
    /// By device, in the worker's order.
    public internal(set) var peaks: [Peak]
    /// Over all of its runs.
    public internal(set) var traffic: OffloadTraffic

    /// The most on any device.
    public var peakBytes: Int { peaks.map(\.bytes).max() ?? 0 }
    /// The same with blocks that are kept for reuse, as the device itself counts.
    public var peakHeldBytes: Int { peaks.map(\.heldBytes).max() ?? 0 }

    mutating func merge(_ other: StageUse) {
        for index in peaks.indices {
            peaks[index].bytes = max(peaks[index].bytes, other.peaks[index].bytes)
            peaks[index].heldBytes = max(peaks[index].heldBytes, other.peaks[index].heldBytes)
        }
        traffic.readBytes += other.traffic.readBytes
        traffic.movedBytes += other.traffic.movedBytes
        traffic.transferredBytes += other.traffic.transferredBytes
    }
}
