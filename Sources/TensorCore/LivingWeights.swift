/// The weights that are on a device and not yet let go, for a meter.
public struct LivingWeights {
    /// Bytes of weights.
    public struct Bytes: Sendable, Hashable {
        /// In memory of the device's own.
        public var heldBytes = 0
        /// Shared with a mapped checkpoint.
        public var sharedBytes = 0
    }

    private struct Entry {
        weak var storage: (any TensorStorage)?
        let heldBytes: Int
        let sharedBytes: Int
    }

    /// Weights that come between two counts.
    private static let interval = 64

    private var entries: [Entry] = []
    private var added = 0
    private(set) var peak = Bytes()

    /// A weight came; `heldBytes` is 0 for one that is shared.
    mutating func add(_ weight: Tensor, heldBytes: Int) {
        entries.append(
            Entry(
                storage: weight.storage, heldBytes: heldBytes,
                sharedBytes: heldBytes > 0 ? 0 : weight.storage.byteCount))
        added += 1
        if added.isMultiple(of: Self.interval) { recount() }
    }

    /// Counts those that are left, and forgets the others.
    mutating func recount() {
        entries.removeAll { $0.storage == nil }
        let now = entries.reduce(into: Bytes()) { sum, entry in
            sum.heldBytes += entry.heldBytes
            sum.sharedBytes += entry.sharedBytes
        }
        peak.heldBytes = max(peak.heldBytes, now.heldBytes)
        peak.sharedBytes = max(peak.sharedBytes, now.sharedBytes)
    }

    mutating func resetPeak() {
        peak = Bytes()
        recount()
    }
}
