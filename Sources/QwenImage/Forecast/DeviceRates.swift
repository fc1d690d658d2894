import TensorCore

/// How fast a machine does each kind of work; what turns a forecast's counts into seconds.
public struct DeviceRates: Sendable, Hashable, Codable {
    /// Floating-point operations a second of matrix products, of attention and of convolutions.
    public var productOperations: Double
    public var attentionOperations: Double
    public var convolutionOperations: Double
    /// Bytes a second that the device reads and writes in its own memory.
    public var memoryBytes: Double
    /// Bytes a second from storage to the host's memory.
    public var storageBytes: Double
    /// Bytes a second from the host's memory to the device; nil where they are the same.
    public var linkBytes: Double?
    /// Seconds that an operation takes to start.
    public var operationSeconds: Double
    /// Where the figures come from: `measured`, or `published` for a device that is not there.
    public var source: String

    /// Rates, each above 0.
    public init(
        productOperations: Double, attentionOperations: Double, convolutionOperations: Double, memoryBytes: Double,
        storageBytes: Double, linkBytes: Double? = nil, operationSeconds: Double, source: String
    ) {
        self.productOperations = productOperations
        self.attentionOperations = attentionOperations
        self.convolutionOperations = convolutionOperations
        self.memoryBytes = memoryBytes
        self.storageBytes = storageBytes
        self.linkBytes = linkBytes
        self.operationSeconds = operationSeconds
        self.source = source
    }

    /// What bounds the speed of a stage.
    public enum Limit: String, Sendable, Hashable, Codable {
        /// The device's arithmetic.
        case arithmetic
        /// The device's own memory.
        case memory
        /// Reading the checkpoint.
        case storage
        /// Bringing weights to the device.
        case link
    }

    /// The seconds that a stage takes, and what takes most of them.
    public struct Estimate: Sendable, Hashable {
        /// Wall time.
        public let seconds: Double
        /// What takes most of it.
        public let limit: Limit
    }

    /// The seconds of a stage; weights that are brought again in each repetition come while others are computed with.
    public func estimate(_ stage: StageForecast) -> Estimate {
        let work = stage.work
        let vector = Double(work.vectorProductBytes) / memoryBytes
        let arithmetic =
            Double(work.productOperations) / productOperations + Double(work.attentionOperations) / attentionOperations
            + Double(work.convolutionOperations) / convolutionOperations
            + Double(work.operationCount) * operationSeconds
        let memory = vector + Double(work.pointwiseBytes) / memoryBytes
        let storage = Double(stage.readBytes) / storageBytes
        let link = linkBytes.map { Double(stage.movedBytes) / $0 } ?? 0
        let parts: [(Limit, Double)] = [
            (.arithmetic, arithmetic), (.memory, memory), (.storage, storage), (.link, link),
        ]
        // What comes again while other weights are computed with costs only what it takes longer.
        let again = Double(stage.readBytesARepetition * max(stage.repetitions - 1, 0)) / storageBytes
        let first = max(storage - again, 0)
        let seconds = max(arithmetic + memory, link, again) + first
        let limit = parts.max { $0.1 < $1.1 }?.0 ?? .arithmetic
        return Estimate(seconds: seconds, limit: limit)
    }
}
